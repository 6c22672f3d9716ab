// Why a path is as it is: what both sides agreed on, what each has now, and what would happen.

import { useState } from "preact/hooks";
import { call } from "/api.js";
import { Icon, html } from "/parts.js";
import { NoDrives, useDrive } from "/rows.js";
import { useStore } from "/store.js";
import * as words from "/words.js";

export function Explain() {
  useStore();
  const [name, choice] = useDrive();
  const [path, setPath] = useState("");
  const [found, setFound] = useState(null);
  const [why, setWhy] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!name) return html`<${NoDrives} />`;
  const go = async (event) => {
    event.preventDefault();
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
  return html`
    <div class="title"><div><h1>Explain</h1>
      <p>What is at a path on both sides, and what a run would do</p></div></div>
    <form class="filters" onSubmit=${go}>
      ${choice}
      <label class="search"><span class="hidden">Path in ${name}</span><${Icon} name="file" />
        <input required placeholder=${`A path in ${name}, as letters/offer.odt`} value=${path}
          onInput=${(event) => setPath(event.target.value)} /></label>
      <button type="submit" class="button main" disabled=${busy}>Explain</button>
    </form>
    <div aria-live="polite">
      ${busy && html`<p class="waits">The server is asked…</p>`}
      ${why && html`<p class="note bad"><${Icon} name="alert" />${why}</p>`}
      ${found && html`<${Found} found=${found} />`}
    </div>`;
}

function Found({ found }) {
  const stopped = found.refused || found.halted || found.offline;
  return html`
    ${stopped && html`<p class="note bad"><${Icon} name="alert" />${stopped}</p>`}
    ${!found.nodes.length && html`<p class="note">Neither side has “${found.path}”.</p>`}
    ${found.nodes.map((node) => html`<section class="sheet explained" key=${node.path}>
      <h2 class="path">${node.path}</h2>
      <div class="states">
        <${State} title="On this computer" icon="folder" state=${node.local} />
        <${State} title="Both agreed on" icon="check" state=${node.base} never />
        <${State} title="On the server" icon="cloud" state=${node.remote} known=${node.known} />
      </div>
      <h3>What a run would do</h3>
      ${node.actions.length ? html`<ul class="stack">${node.actions.map((each) => html`
        <li key=${`${each.op} ${each.path}`}><b>${words.action(each.op, each.side)}</b>
          ${each.new_path ? ` to ${each.new_path}` : ""}
          <span class="why"> ${each.why}</span></li>`)}</ul>`
        : html`<p>${node.why}</p>`}
    </section>`)}`;
}

function State({ title, icon, state, known = true, never = false }) {
  return html`<div class="side-state ${state ? "" : "none"}">
    <h3><${Icon} name=${icon} />${title}</h3>
    ${!known && html`<p>Not known</p>`}
    ${known && !state && html`<p>${never ? "Never" : "Nothing"}</p>`}
    ${known && state && html`<p class="path">${state.path}</p>
      <p class="small">${state.kind === "file"
        ? `${words.size(state.size)} · ${words.moment(state.mtime)}` : state.kind}</p>`}
  </div>`;
}
