// Local changes that the server does not have yet: why each waits, and holding it back.

import { useState } from "preact/hooks";
import { call } from "/api.js";
import { t, tn } from "/language.js";
import { Button, Dialog, Empty, Icon, html, notice } from "/parts.js";
import { NoDrives, Rows, Tick, useAnswer, useChosen, useDrive } from "/rows.js";
import { state, useStore } from "/store.js";
import * as words from "/words.js";

// By the journal's word for what a program did.
const OPERATIONS = {
  create: ["file", t("New")], write: ["up", t("Changed")], remove: ["trash", t("Deleted")],
  rename: ["move", t("Moved")], times: ["file", t("Time changed")],
};

const operation = (op) => OPERATIONS[op] || ["file", op];

// The screen's name has how many files and folders wait beside it; each may have several changes.
function amount(changes, status) {
  const said = tn("{count} change for the server", "{count} changes for the server", changes);
  const nodes = status ? status.waiting : 0;
  if (!nodes || nodes === changes) return said;
  return `${said} · ${tn("{count} file or folder", "{count} files and folders", nodes)}`;
}

export function Waiting() {
  useStore();
  const [name, choice] = useDrive();
  const [chosen, turn, choose] = useChosen();
  const [asks, setAsks] = useState(false);
  const { status } = state.cards.get(name) || {};
  const signs = status ? [status.waiting, status.held, status.running, status.state] : [];
  const [journal, again] = useAnswer("journal", name ? { name } : null, [name, ...signs]);
  if (!name) return html`<${NoDrives} title=${t("Waiting")} />`;
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
    <div class="title"><div><h1>${t("Waiting")}</h1>
      <p>${journal ? amount(journal.count, status) : t("One moment…")}</p>
      </div>${choice}</div>
    ${journal && !entries.length && html`<${Empty} icon="check" title=${t("Nothing waits")}>
      ${t("The server has every change of {name}.", { name })}<//>`}
    ${entries.length > 0 && html`
      <div class="bar-of-actions">
        <label class="check"><input type="checkbox" checked=${all}
          onChange=${() => choose(all ? [] : entries.map((each) => each.sequence))} />
          ${" "}${words.chosen(numbers.length)}</label>
        <${Button} icon="pause" disabled=${!numbers.length}
          onClick=${() => change("hold")}>${t("Hold")}<//>
        <${Button} icon="play" disabled=${!numbers.length}
          onClick=${() => change("release")}>${t("Release")}<//>
        <${Button} icon="trash" disabled=${!numbers.length}
          onClick=${() => setAsks(true)}>${t("Discard…")}<//>
      </div>
      <${Rows} label=${t("Changes that wait")} items=${entries} row=${(each) => html`
        <${Tick} label=${each.path} checked=${chosen.has(each.sequence)}
          onTurn=${() => turn(each.sequence)} />
        <span class="mark"><${Icon} name=${each.held ? "pause" : operation(each.op)[0]} /></span>
        <span class="what"><span class="path" title=${each.path}>${each.path}
          ${each.new_path ? ` → ${each.new_path}` : ""}</span>
          <span class="why">${[operation(each.op)[1], each.why, each.until
            && t("tried again {time}", { time: words.moment(each.until) })]
            .filter(Boolean).join(" · ")}</span></span>
        <span class="end"><span>${words.moment(each.time)}</span>
          <span class="amount">${each.size ? words.size(each.size) : ""}</span></span>`} />
      ${journal.count > entries.length && html`<p class="note">${tn(
        "The first {count} is shown.", "The first {count} are shown.", entries.length)}</p>`}`}
    ${asks && html`<${Dialog}
        title=${tn("Discard {count} change?", "Discard {count} changes?", numbers.length)}
        onClose=${() => setAsks(false)}>
      <div class="content"><p>${t("What was edited becomes the server's version again; what was "
        + "created goes to the trash; what was deleted or moved comes back. Your versions are in "
        + "the trash then.")}</p></div>
      <footer><${Button} onClick=${() => setAsks(false)}>${t("Cancel")}<//>
        <${Button} kind="main" onClick=${() => change("discard")}>
          ${t("Discard")}<//></footer><//>`}`;
}
