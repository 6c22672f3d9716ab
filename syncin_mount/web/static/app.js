// The page: its head, the screen that is chosen, and how the connection is.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Assistant } from "/assistant.js";
import { Conflicts } from "/conflicts.js";
import { Explain } from "/explain.js";
import { Health } from "/health.js";
import { rich, t } from "/language.js";
import { Icon, Notices, html } from "/parts.js";
import { Settings } from "/settings.js";
import { cardsInOrder, start, useStore } from "/store.js";
import { Synchronizations } from "/synchronizations.js";
import { Transfers } from "/transfers.js";
import { Trash } from "/trash.js";
import { Waiting } from "/waiting.js";

const SCREENS = [
  ["", t("Synchronizations"), Synchronizations],
  ["transfers", t("Transfers"), Transfers],
  ["waiting", t("Waiting"), Waiting, "waiting"],
  ["conflicts", t("Conflicts"), Conflicts, "conflicts"],
  ["trash", t("Trash"), Trash],
  ["explain", t("Explain"), Explain],
  ["settings", t("Settings"), Settings],
  ["health", t("Health"), Health],
];

// Those that a button leads to.
const OTHERS = [["add", t("New synchronization"), Assistant]];

// How many there are in all synchronizations, beside a screen's name.
const count = (key) => cardsInOrder()
  .reduce((sum, { status }) => sum + (key && status ? status[key] : 0), 0);

const chosen = () => location.hash.replace(/^#\/?/, "");

function App() {
  const store = useStore();
  const [path, setPath] = useState(chosen());
  useEffect(() => {
    const follow = () => setPath(chosen());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  if (store.connection === "entering") return html`<${Head} />`;
  if (store.connection === "unknown") return html`<${Closed} why=${store.why} />`;
  const [, title, Screen] = [...SCREENS, ...OTHERS].find(([name]) => name === path)
    || SCREENS[0];
  document.title = `${title} – syncin-mount`;
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("Skip to the content")}</a>
    <${Head} title=${title} />
    ${store.connection === "away" && html`<div class="away" role="alert"><div class="inside">
      <${Icon} name="alert" /><span>${rich("syncin-mount does not answer. If it"
      + " ended, open the page again with {command}; this tab shows what it knew last.",
        { command: html`<code>syncin-mount ui</code>` })}</span></div></div>`}
    <main id="main" tabindex="-1"><${Screen} /></main>
    <${Notices} />`;
}

function Head({ title }) {
  return html`<header class="head"><div class="inside">
    <span class="brand"><img src="/icon.svg" alt="" width="28" height="28" />syncin-mount</span>
    <nav aria-label=${t("Screens")}>${SCREENS.map(([name, label, , key]) => html`<a key=${name}
      href=${`#/${name}`} aria-current=${label === title ? "page" : undefined}>${label}
      ${count(key) > 0 && html`<span class="count">${count(key)}</span>`}</a>`)}</nav>
  </div></header>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function Closed({ why }) {
  return html`<main class="closed">
    <img src="/icon.svg" alt="" width="56" height="56" />
    <h1>${t("Open the page again")}</h1>
    <p>${why ? t("This tab cannot be let in: {why}.", { why })
      : t("This tab is not known to the program.")}
      ${" "}${t("Only a new address opens the page, once:")}</p>
    <p><code>syncin-mount ui</code></p>
    <p class="small">${t("Type it in a terminal, or choose syncin-mount among your programs. "
      + "Your drives go on meanwhile.")}</p>
  </main>`;
}

document.documentElement.classList.add("ready");
start();
render(html`<${App} />`, document.getElementById("app"));
