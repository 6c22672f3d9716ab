// What the assistant's steps are made of.

import { useEffect, useRef } from "preact/hooks";
import { t } from "/language.js";
import { Icon, html } from "/parts.js";

// A sentence about what cannot be taken, beside what it is about; read aloud.
export function Wrong({ id, children }) {
  if (!children) return null;
  return html`<p class="wrong" id=${id} role="alert"><${Icon} name="alert" />
    <span>${children}</span></p>`;
}

// A text, with its hint and what is wrong with it.
export function Text({ id, label, hint, why, value, onValue, beside, ...more }) {
  const notes = [hint && `${id}-hint`, why && `${id}-why`].filter(Boolean).join(" ");
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <span class="unit"><input id=${id} value=${value} spellcheck=${false} autocapitalize="none"
      aria-invalid=${why ? "true" : undefined} aria-describedby=${notes || undefined}
      onInput=${(event) => onValue(event.target.value)} ...${more} />${beside}</span>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    <${Wrong} id=${`${id}-why`}>${why}<//>
  </div>`;
}

// One of some, each with what it means.
export function Choice({ name, title, options, value, onValue }) {
  return html`<fieldset class="choices"><legend>${title}</legend>
    ${options.map(([word, label, means, off]) => html`<label key=${word}
        class="option ${off ? "off" : ""}">
      <input type="radio" name=${name} value=${word} checked=${value === word} disabled=${off}
        onChange=${() => onValue(word)} />
      <span><b>${label}</b>${means && html`<small>${means}</small>`}</span>
    </label>`)}
  </fieldset>`;
}

// A consent that has to be given by hand.
export function Consent({ checked, onChecked, children }) {
  return html`<label class="check consent"><input type="checkbox" checked=${checked} required
    onChange=${(event) => onChecked(event.target.checked)} /><span>${children}</span></label>`;
}

// A step's title, which a keyboard is at when the step begins.
export function Heading({ children }) {
  const box = useRef(null);
  useEffect(() => box.current.focus(), []);
  return html`<h2 ref=${box} tabindex="-1">${children}</h2>`;
}

// A name for a new folder, where the button was.
export function NewFolder({ name, onName, why, onMake, onClose }) {
  const box = useRef(null);
  useEffect(() => box.current.querySelector("input").focus(), []);
  return html`<form class="new-folder" ref=${box} onSubmit=${onMake}
      onKeyDown=${(event) => event.key === "Escape" && onClose()}>
    <${Text} id="new-folder" label=${t("Name of the new folder")} required value=${name}
      onValue=${onName} why=${why} maxlength="200" beside=${html`
        <button type="submit" class="button">${t("Make it")}</button>
        <button type="button" class="button" onClick=${onClose}>${t("Cancel")}</button>`} />
  </form>`;
}
