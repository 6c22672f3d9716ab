// What was deleted or lost, here and on the server: restored, or removed for good.

import { useState } from "preact/hooks";
import { Button, Dialog, Empty, Icon, act, html } from "/parts.js";
import { Choice, NoDrives, Rows, Tick, useAnswer, useChosen, useDrive } from "/rows.js";
import { useStore } from "/store.js";
import * as words from "/words.js";

const WHERE = [["here", "On this computer"], ["server", "On the server"]];

export function Trash() {
  useStore();
  const [name, choice] = useDrive();
  const [where, setWhere] = useState("here");
  const [search, setSearch] = useState("");
  const [chosen, turn, choose] = useChosen();
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const [found, again] = useAnswer("trash", name ? { name, server: where === "server" } : null,
    [name, where]);
  if (!name) return html`<${NoDrives} />`;
  const wanted = search.toLowerCase();
  const entries = (found ? found.entries : [])
    .filter((each) => each.path.toLowerCase().includes(wanted));
  const keys = entries.map((each) => each.entry);
  const some = keys.filter((each) => chosen.has(each));
  const all = keys.length > 0 && some.length === keys.length;
  const change = async (path) => {
    setAsks(false);
    setBusy(true);
    // In parts, so that no request is long, and what is done is done.
    for (let at = 0; at < some.length; at += 100) {
      if (!(await act(path, { name, entries: some.slice(at, at + 100) }))) break;
    }
    choose([]);
    setBusy(false);
    again();
  };
  return html`
    <div class="title"><div><h1>Trash</h1>
      <p>${found ? words.plural(found.count, "entry", "entries") : "One moment…"}</p></div>
      ${choice}
      <${Choice} label="Which trash" value=${where} options=${WHERE}
        onValue=${(value) => { choose([]); setWhere(value); }} /></div>
    ${found && found.count > 0 && html`
      <div class="bar-of-actions">
        <label class="check"><input type="checkbox" checked=${all}
          onChange=${() => choose(all ? [] : keys)} />
          ${some.length ? ` ${some.length} chosen` : " Choose all"}</label>
        <${Button} icon="sync" disabled=${busy || !some.length}
          onClick=${() => change("trash/restore")}>Restore<//>
        <${Button} icon="trash" disabled=${busy || !some.length}
          onClick=${() => setAsks(true)}>Delete for good…<//>
        <label class="search"><span class="hidden">Search</span><${Icon} name="search" />
          <input type="search" placeholder="Search" value=${search}
            onInput=${(event) => setSearch(event.target.value)} /></label>
      </div>
      <${Rows} label="Trash" items=${entries} row=${(each) => html`
        <${Tick} label=${each.path} checked=${chosen.has(each.entry)}
          onTurn=${() => turn(each.entry)} />
        <span class="mark"><${Icon} name=${each.folder ? "folder" : "file"} /></span>
        <span class="what"><span class="path" title=${each.path}>${each.path}</span>
          <span class="why">${each.why}${each.folder
            ? ` · ${words.plural(each.files, "file")}` : ""}</span></span>
        <span class="end"><span>${words.moment(each.time)}</span>
          <span class="amount">${words.size(each.size)}</span></span>`} />
      ${!entries.length && html`<p class="note">Nothing here has “${search}” in its path.</p>`}`}
    ${found && !found.count && html`<${Empty} icon="trash" title="The trash is empty">
      Deleted files and versions that lost a conflict come here.<//>`}
    ${asks && html`<${Dialog} title=${`Delete ${words.plural(some.length, "entry", "entries")}?`}
        onClose=${() => setAsks(false)}>
      <div class="content"><p>They are gone for good then${where === "server"
        ? ", for all your devices" : ""}.</p></div>
      <footer><${Button} onClick=${() => setAsks(false)}>Cancel<//>
        <${Button} kind="main" onClick=${() => change("trash/empty")}>Delete for good<//>
      </footer><//>`}`;
}
