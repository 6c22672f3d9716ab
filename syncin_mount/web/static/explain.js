// Why a path is as it is: what both sides agreed on, what each has now, and what would happen.

import { useEffect, useState } from "preact/hooks";
import { call, takePlace } from "/api.js";
import { t } from "/language.js";
import { Icon, html } from "/parts.js";
import { NoDrives, useDrive } from "/rows.js";
import { useStore } from "/store.js";
import * as words from "/words.js";

export function Explain() {
  useStore();
  const [place] = useState(takePlace);
  const [name, choice] = useDrive(place && place.drive);
  const [path, setPath] = useState((place && place.path) || "");
  const [found, setFound] = useState(null);
  const [why, setWhy] = useState(null);
  const [busy, setBusy] = useState(false);
  const go = async (event) => {
    if (event) event.preventDefault();
    setBusy(true);
    setFound(null);
    setWhy(null);
    try {
      setFound(await call("explain", { name, path }));
    } catch (error) {
      setWhy(error.message);
    }
    setBusy(false);
  };
  useEffect(() => {
    if (name && place && place.path) go();
  }, [!name]);
  if (!name) return html`<${NoDrives} title=${t("Explain")} />`;
  return html`
    <div class="title"><div><h1>${t("Explain")}</h1>
      <p>${t("What is at a path on both sides, and what a run would do")}</p></div></div>
    <form class="filters" onSubmit=${go}>
      ${choice}
      <label class="search"><span class="hidden">
        ${t("Path in {name}", { name })}</span><${Icon} name="file" />
        <input required placeholder=${t("A path in {name}, as letters/offer.odt",
          { name })} value=${path}
          onInput=${(event) => setPath(event.target.value)} /></label>
      <button type="submit" class="button main" disabled=${busy}>${t("Explain")}</button>
    </form>
    <div aria-live="polite">
      ${busy && html`<p class="waits">${t("The server is asked…")}</p>`}
      ${why && html`<p class="note bad"><${Icon} name="alert" />${why}</p>`}
      ${found && html`<${Found} found=${found} />`}
    </div>`;
}

function Found({ found }) {
  const stopped = found.refused || found.halted || found.offline;
  return html`
    ${stopped && html`<p class="note bad"><${Icon} name="alert" />${stopped}</p>`}
    ${!found.nodes.length && html`<p class="note">${
      t("Neither side has “{path}”.", found)}</p>`}
    ${found.nodes.map((node) => html`<${Node} key=${node.path} node=${node} />`)}`;
}

// Three boxes in a row: here, what both agreed on, the server; lines between them tell which side
// differs from that, and arrows below them what a run would carry where.
function Node({ node }) {
  const here = since(node.local, node.base, sends(node.actions, "remote"));
  const there = since(node.remote, node.base, sends(node.actions, "local"), node.known);
  return html`<section class="sheet explained">
    <h2 class="path">${node.path}</h2>
    <div class="states">
      <${State} title=${t("This computer")} icon="folder" state=${node.local} word=${here} />
      <span class="tie ${differs(here)}"></span>
      <${State} title=${t("Both agreed on")} icon="check" state=${node.base} never />
      <span class="tie ${differs(there)}"></span>
      <${State} title=${t("The server")} icon="cloud" state=${node.remote} word=${there}
        known=${node.known} />
    </div>
    <h3>${t("What a run would do")}</h3>
    ${node.actions.length ? html`<ul class="flows">${node.actions.map((each) => html`<${Flow}
      key=${`${each.op} ${each.side} ${each.path}`} each=${each} />`)}</ul>`
      : html`<p>${node.why}</p>`}
  </section>`;
}

const differs = (word) => (word && word[1] === "warn" ? "differs" : "");

// Whether something is carried to that side.
const sends = (actions, side) => actions.some((each) => each.side === side);

// How a side differs from what both agreed on: a word and a colour.
function since(state, base, changes, known = true) {
  if (!known) return [t("Not known"), "calm"];
  if (!state) return base ? [t("Deleted since"), "warn"] : null;
  if (!base) return [t("New"), "warn"];
  if (state.path !== base.path) return [t("Moved since"), "warn"];
  const same = state.kind === base.kind && (state.kind !== "file"
    || (state.size === base.size && state.mtime === base.mtime));
  return same && !changes ? [t("As agreed"), "good"] : [t("Changed since"), "warn"];
}

function State({ title, icon, state, word = null, known = true, never = false }) {
  return html`<div class="side-state ${state ? "" : "none"}">
    <h3><${Icon} name=${icon} />${title}</h3>
    ${known && !state && html`<p>${never ? t("Never") : t("Nothing")}</p>`}
    ${known && state && html`<p class="path">${state.path}</p>
      <p class="small">${state.kind === "file"
        ? `${words.size(state.size)} · ${words.moment(state.mtime)}` : words.kind(state.kind)}</p>`}
    ${word && html`<span class="since ${word[1]}">${word[0]}</span>`}
  </div>`;
}

function Flow({ each }) {
  const back = each.side === "local";
  const ends = back ? t("from the server to this computer") : t("from this computer to the server");
  return html`<li class="flow">
    <span class="small" aria-hidden="true">${t("This computer")}</span>
    <span class="wire ${back ? "head back" : ""}"></span>
    <b>${words.action(each.op, each.side)}<span class="hidden">, ${ends}</span></b>
    <span class="wire ${back ? "" : "head"}"></span>
    <span class="small" aria-hidden="true">${t("The server")}</span>
    <span class="why">${each.new_path && t("To {path}.", { path: each.new_path })}
      ${" "}${each.why}</span>
  </li>`;
}
