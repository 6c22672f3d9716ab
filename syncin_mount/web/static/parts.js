// What every screen is made of.

import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import htm from "htm";
import { call } from "/api.js";
import { t } from "/language.js";

export const html = htm.bind(h);

const PATHS = {
  sync: "M4 12a8 8 0 0 1 13.7-5.6L20 8.5M20 4v4.5h-4.5"
    + "M20 12a8 8 0 0 1-13.7 5.6L4 15.5M4 20v-4.5h4.5",
  eye: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12z"
    + "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  more: "M5 12h.01M12 12h.01M19 12h.01M5 12h.02M12 12h.02M19 12h.02",
  folder: "M3 7a2 2 0 0 1 2-2h4l2 2.5h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z",
  cloud: "M7 18a4.5 4.5 0 0 1-.6-9A6 6 0 0 1 18 9.6 4.2 4.2 0 0 1 17.5 18z",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  alert: "M12 4l9 16H3zM12 10v4M12 17h.01",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  stop: "M7 7h10v10H7z",
  up: "M12 19V6M6.5 11.5L12 6l5.5 5.5",
  down: "M12 5v13M6.5 12.5L12 18l5.5-5.5",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13",
  move: "M4 12h15M13.5 6.5L19 12l-5.5 5.5",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
  plus: "M12 5v14M5 12h14",
  open: "M9.5 6l6 6-6 6",
  undo: "M8.5 5L4 9.5l4.5 4.5M4 9.5h10a5.5 5.5 0 0 1 0 11h-4",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
};

// A drawing beside words: it says nothing that they do not.
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d=${PATHS[name]} /></svg>`;
}

export function Button({ icon, children, kind = "", ...more }) {
  return html`<button type="button" class="button ${kind}" ...${more}>
    ${icon && html`<${Icon} name=${icon} />`}${children}</button>`;
}

const EDGE = 8;

// A button that opens a list of actions; Escape and a click elsewhere close it.
export function Menu({ label, icon, children, hidden = false, ...more }) {
  const box = useRef(null);
  useEffect(() => {
    const close = (event) => {
      const inside = box.current && box.current.contains(event.target);
      if (event.type === "keydown" ? event.key === "Escape" : !inside) {
        if (box.current && box.current.open) {
          box.current.open = false;
          if (event.type === "keydown") box.current.querySelector("summary").focus();
        }
      }
    };
    addEventListener("click", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("click", close);
      removeEventListener("keydown", close);
    };
  }, []);
  const chosen = (event) => {
    if (event.target.closest(".item")) box.current.open = false;
  };
  return html`<details class="menu" ref=${box} onToggle=${() => bringIntoView(box.current)}>
    <summary class="button ${hidden ? "round" : ""}" aria-label=${hidden ? label : undefined}
      ...${more}>
      ${icon && html`<${Icon} name=${icon} />`}${!hidden && label}</summary>
    <div class="items" onClick=${chosen}>${children}</div>
  </details>`;
}

// On a narrow window no menu hangs over its edge, wherever long words put its button.
function bringIntoView(menu) {
  const items = menu.querySelector(".items");
  items.style.translate = "";
  if (!menu.open) return;
  const { left, right } = items.getBoundingClientRect();
  const width = document.documentElement.clientWidth;
  const by = left < EDGE ? EDGE - left : Math.min(0, width - EDGE - right);
  if (by) items.style.translate = `${by}px`;
}

export const Item = ({ children, ...more }) =>
  html`<button type="button" class="item" ...${more}>${children}</button>`;

// A window over the page; Escape closes it, and what was in use before is in use again.
export function Dialog({ title, onClose, children, wide = false }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.showModal();
  }, []);
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby="dialog-title"
      onClose=${onClose}>
    <header>
      <h2 id="dialog-title">${title}</h2>
      <button type="button" class="button round" aria-label=${t("Close")}
        onClick=${() => box.current.close()}><${Icon} name="close" /></button>
    </header>
    ${children}
  </dialog>`;
}

export function Empty({ icon, title, children, action = null }) {
  return html`<div class="empty">
    <span class="badge"><${Icon} name=${icon} /></span>
    <h2>${title}</h2>
    <p>${children}</p>
    ${action}
  </div>`;
}

export function Bar({ part, label }) {
  const value = part === null ? null : Math.max(0, Math.min(1, part));
  return html`<div class="bar ${value === null ? "unknown" : ""}" role="progressbar"
      aria-label=${label} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${value === null ? undefined : Math.round(value * 100)}>
    <div style=${{ transform: value === null ? "none" : `scaleX(${value})` }} /></div>`;
}

let show = () => {};

// What was not done, as a sentence at the page's foot, read aloud, for a while.
export function Notices() {
  const [said, say] = useState(null);
  useEffect(() => {
    show = say;
  }, []);
  useEffect(() => {
    if (!said) return undefined;
    const timer = setTimeout(() => say(null), 10_000);
    return () => clearTimeout(timer);
  }, [said]);
  return html`<div class="notices" role="status" aria-live="polite">
    ${said && html`<div class="notice">${said}
      <button type="button" class="button round" aria-label=${t("Dismiss")}
        onClick=${() => say(null)}><${Icon} name="close" /></button></div>`}</div>`;
}

export const notice = (text) => show(text);

// Has the program do it; what it did not do is told.
export async function act(path, body) {
  try {
    const done = await call(path, body);
    if (done.but) notice(done.but);
    return true;
  } catch (error) {
    notice(error.message);
    return false;
  }
}
