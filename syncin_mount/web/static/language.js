// Texts, numbers and times in the reader's language. The program chooses it, and /catalogue.js has
// its texts; one that is missing there is English.

import { language, texts } from "/catalogue.js";

// For dates and the like: English as in Britain, with 24 hours.
export const locale = language === "en" ? "en-GB" : language;

const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

export const number = (value) => numbers.format(value);

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (hole, name) =>
  (name in values ? values[name] : hole));

// The English text in the reader's language, with values put in where it has {name}.
export function t(text, values) {
  const found = texts[text] || text;
  return values ? fill(found, values) : found;
}

// The same, of so many things, which the texts have as {count}. A translation has its forms in the
// order of its plural rule: one, (…,) other.
export function tn(one, many, count, values = {}) {
  const forms = texts[one] || [one, many];
  const form = plurals.select(count) === "one" ? forms[0] : forms[forms.length - 1];
  return fill(form, { count: number(count), ...values });
}

// The same as `t`, where values are parts of the page: what is shown, in order.
export const rich = (text, values) => t(text).split(/(\{\w+\})/).map((part) => {
  const name = part.slice(1, -1);
  return part.startsWith("{") && name in values ? values[name] : part;
});

document.documentElement.lang = language;
