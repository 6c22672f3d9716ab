// Local changes that the server does not have yet: why each waits, and holding it back.

import { useState } from "preact/hooks";
import { call } from "/api.js";
import { Button, Dialog, Empty, Icon, html, notice } from "/parts.js";
import { NoDrives, Rows, Tick, useAnswer, useChosen, useDrive } from "/rows.js";
import { state, useStore } from "/store.js";
import * as words from "/words.js";

const ICONS = { create: "file", write: "up", delete: "trash", move: "move", mkdir: "folder" };

export function Waiting() {
  useStore();
  const [name, choice] = useDrive();
  const [chosen, turn, choose] = useChosen();
  const [asks, setAsks] = useState(false);
  const { status } = state.cards.get(name) || {};
  const signs = status ? [status.waiting, status.held, status.running, status.state] : [];
  const [journal, again] = useAnswer("journal", name ? { name } : null, [name, ...signs]);
  if (!name) return html`<${NoDrives} />`;
  const entries = journal ? journal.entries : [];
  const numbers = entries.map((each) => each.sequence).filter((each) => chosen.has(each));
  const change = async (what) => {
    setAsks(false);
    try {
      const { changes } = await call("journal/change", { name, what, numbers });
      const refused = changes.filter((each) => !each.done).map((each) => each.said);
      if (refused.length) notice(refused.join("; "));
      choose([]);
    } catch (error) {
      notice(error.message);
    }
    again();
  };
  const all = entries.length > 0 && numbers.length === entries.length;
  return html`
    <div class="title"><div><h1>Waiting</h1>
      <p>${journal ? `${words.plural(journal.count, "change")} for the server` : "One moment…"}</p>
      </div>${choice}</div>
    ${journal && !entries.length && html`<${Empty} icon="check" title="Nothing waits">
      The server has every change of ${name}.<//>`}
    ${entries.length > 0 && html`
      <div class="bar-of-actions">
        <label class="check"><input type="checkbox" checked=${all}
          onChange=${() => choose(all ? [] : entries.map((each) => each.sequence))} />
          ${numbers.length ? ` ${numbers.length} chosen` : " Choose all"}</label>
        <${Button} icon="pause" disabled=${!numbers.length}
          onClick=${() => change("hold")}>Hold<//>
        <${Button} icon="play" disabled=${!numbers.length}
          onClick=${() => change("release")}>Release<//>
        <${Button} icon="trash" disabled=${!numbers.length}
          onClick=${() => setAsks(true)}>Discard…<//>
      </div>
      <${Rows} label="Changes that wait" items=${entries} row=${(each) => html`
        <${Tick} label=${each.path} checked=${chosen.has(each.sequence)}
          onTurn=${() => turn(each.sequence)} />
        <span class="mark"><${Icon} name=${each.held ? "pause" : ICONS[each.op] || "file"} /></span>
        <span class="what"><span class="path" title=${each.path}>${each.path}
          ${each.new_path ? ` → ${each.new_path}` : ""}</span>
          <span class="why">${each.op} · ${each.why}
            ${each.until ? ` · tried again ${words.moment(each.until)}` : ""}</span></span>
        <span class="end"><span>${words.moment(each.time)}</span>
          <span class="amount">${each.size ? words.size(each.size) : ""}</span></span>`} />
      ${journal.count > entries.length && html`<p class="note">The first
        ${` ${entries.length}`} are shown.</p>`}`}
    ${asks && html`<${Dialog} title=${`Discard ${words.plural(numbers.length, "change")}?`}
        onClose=${() => setAsks(false)}>
      <div class="content"><p>What was edited becomes the server's version again; what was created
        goes to the trash; what was deleted or moved comes back. Your versions are in the trash
        then.</p></div>
      <footer><${Button} onClick=${() => setAsks(false)}>Cancel<//>
        <${Button} kind="main" onClick=${() => change("discard")}>Discard<//></footer><//>`}`;
}
