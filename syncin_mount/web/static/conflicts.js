// Conflicts that a rule resolved: both versions side by side, and choosing again.

import { useState } from "preact/hooks";
import { call } from "/api.js";
import { Comparison } from "/comparison.js";
import { number, rich, t } from "/language.js";
import { Button, Empty, Icon, act, html, notice } from "/parts.js";
import { NoDrives, useAnswer, useDrive } from "/rows.js";
import { state, useStore } from "/store.js";
import { lookInTrash } from "/trash.js";
import * as words from "/words.js";

const LOST = {
  local: t("The version of this computer lost"),
  remote: t("The version of the server lost"),
  copy: t("Both versions stay, one under another name"),
  deletion: t("A deletion lost"),
  place: t("A name or folder lost"),
};
const KEPT = {
  local: t("it is in the trash of this synchronization"),
  trash: t("it is in the desktop's trash"),
  server: t("it is in the server's trash"),
  gone: t("it is in no trash any more"),
};
const CHOSEN = { swap: t("You chose the other version"), both: t("You kept both versions") };
const SHOWN = 50;

export function Conflicts() {
  useStore();
  const [name, choice] = useDrive();
  if (!name) return html`<${NoDrives} title=${t("Conflicts")} />`;
  return html`<${List} key=${name} name=${name} choice=${choice} />`;
}

function List({ name, choice }) {
  const [everything, setEverything] = useState(false);
  const [shown, setShown] = useState(SHOWN);
  // What was chosen here stays in sight, by its number.
  const [changed, setChanged] = useState(new Map());
  const [opened, setOpened] = useState(null);
  const { status } = state.cards.get(name) || {};
  const [found, again] = useAnswer("conflicts", { name, everything },
    [everything, status && status.conflicts]);
  const entries = listed(found ? found.entries : [], changed);
  const open = entries.some((each) => !each.acknowledged);
  // What the program says of it afterwards is shown instead.
  const choose = async (path, each) => {
    try {
      const now = await call(`conflicts/${path}`, { name, number: each.number });
      setChanged((before) => new Map(before).set(each.number, now));
      again();
    } catch (error) {
      notice(error.message);
    }
  };
  const acknowledgeAll = () => act("conflicts/acknowledge", { name, everything: true })
    .then(() => { setChanged(new Map()); again(); });
  const isOpen = (each, at) => (opened === null ? at === 0 : opened === each.number);
  return html`
    <div class="title"><div><h1>${t("Conflicts")}</h1>
      <p>${t("Both sides changed the same thing, and a rule chose; nothing is lost")}</p></div>
      ${choice}
      ${open && html`<${Button} icon="check" onClick=${acknowledgeAll}>${t("Acknowledge all")}<//>`}
    </div>
    <label class="check"><input type="checkbox" checked=${everything}
      onChange=${() => setEverything(!everything)} /> ${t("Show acknowledged ones, too")}</label>
    ${found && !entries.length && html`<${Empty} icon="check" title=${t("No conflicts")}>
      ${t("Nothing of {name} was changed on both sides at once.", { name })}<//>`}
    <ul class="stack">${entries.slice(0, shown).map((each, at) => html`<${Conflict}
      key=${each.number} name=${name} each=${each} isOpen=${isOpen(each, at)} choose=${choose}
      onTurn=${(isNow) => setOpened(isNow ? each.number : 0)} />`)}</ul>
    ${entries.length > shown && html`<p class="more"><${Button}
      onClick=${() => setShown(shown + SHOWN)}>${t("Show more")}<//></p>`}
    ${found && found.count > found.entries.length && html`<p class="note">${
      rich("The newest {some} of {all} conflicts are listed; the others: {command}", {
        some: number(found.entries.length), all: number(found.count),
        command: html`<code>syncin-mount conflicts ${name} --all</code>`,
      })}</p>`}`;
}

// The newest first: what the program lists, and what was chosen here and is not listed any more.
function listed(entries, changed) {
  const numbers = new Set(entries.map((each) => each.number));
  const gone = [...changed.values()].filter((each) => !numbers.has(each.number));
  return [...entries, ...gone].sort((one, other) => other.number - one.number);
}

function Conflict({ name, each, isOpen, choose, onTurn }) {
  const lost = LOST[each.lost] || each.lost;
  const said = each.turned ? CHOSEN[each.turned]
    : `${lost}${KEPT[each.kept] ? `; ${KEPT[each.kept]}` : ""}`;
  return html`<li class="sheet conflict">
    <div class="what"><h2 class="path">${each.path}</h2>
      <p>${said}${each.copy ? ` (${each.copy})` : ""}</p>
      <p class="why">${words.moment(each.time)} · ${each.why}</p></div>
    <div class="actions">
      ${each.acknowledged && !each.turned
        && html`<span class="small"><${Icon} name="check" /> ${t("acknowledged")}</span>`}
      ${each.acknowledged && html`<${Button} icon="undo"
        onClick=${() => choose("undo", each)}>${t("Undo")}<//>`}
      ${each.kept === "server" && html`<a class="button" href="#/trash"
        onClick=${() => lookInTrash(name, each.path)}><${Icon} name="trash" />
          ${t("Restore it")}</a>`}
      <${Button} icon="eye" aria-expanded=${isOpen} onClick=${() => onTurn(!isOpen)}>
        ${isOpen ? t("Hide") : t("Compare")}<//>
    </div>
    ${isOpen && html`<${Comparison} key=${each.turned} name=${name} each=${each}
      choose=${choose} />`}
  </li>`;
}
