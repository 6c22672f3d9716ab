// Conflicts that a rule resolved: what lost, where it is, and choosing it after all.

import { useState } from "preact/hooks";
import { Button, Empty, Icon, act, html } from "/parts.js";
import { NoDrives, useAnswer, useDrive } from "/rows.js";
import { state, useStore } from "/store.js";
import * as words from "/words.js";

const LOST = {
  local: "The version of this computer lost",
  remote: "The version of the server lost",
  copy: "Both versions stay, one under another name",
  deletion: "A deletion lost",
  place: "A name or folder lost",
};
const KEPT = {
  local: "it is in the trash of this synchronization",
  trash: "it is in the desktop's trash",
  server: "it is in the server's trash",
  gone: "it is in no trash any more",
};
const SHOWN = 50;

export function Conflicts() {
  useStore();
  const [name, choice] = useDrive();
  const [everything, setEverything] = useState(false);
  const [shown, setShown] = useState(SHOWN);
  const { status } = state.cards.get(name) || {};
  const [found, again] = useAnswer("conflicts", name ? { name, everything } : null,
    [name, everything, status && status.conflicts]);
  if (!name) return html`<${NoDrives} />`;
  const entries = found ? found.entries : [];
  const open = entries.some((each) => !each.acknowledged);
  const acknowledge = (more) => act("conflicts/acknowledge", { name, ...more }).then(again);
  // The version that lost comes back beside the other, under a name of its own.
  const keepBoth = async ({ path, entry }) => {
    if (await act("trash/restore", { name, entries: [entry] })) acknowledge({ paths: [path] });
  };
  return html`
    <div class="title"><div><h1>Conflicts</h1>
      <p>Both sides changed the same thing, and a rule chose; nothing is lost</p></div>
      ${choice}
      ${open && html`<${Button} icon="check"
        onClick=${() => acknowledge({ everything: true })}>Acknowledge all<//>`}
    </div>
    <label class="check"><input type="checkbox" checked=${everything}
      onChange=${() => setEverything(!everything)} /> Show acknowledged ones, too</label>
    ${found && !entries.length && html`<${Empty} icon="check" title="No conflicts">
      Nothing of ${name} was changed on both sides at once.<//>`}
    <ul class="stack">${entries.slice(0, shown).map((each) => html`<li class="sheet conflict"
        key=${each.number}>
      <div class="what"><h2 class="path">${each.path}</h2>
        <p>${LOST[each.lost] || each.lost}${KEPT[each.kept] ? `; ${KEPT[each.kept]}` : ""}
          ${each.copy ? ` (${each.copy})` : ""}</p>
        <p class="why">${words.moment(each.time)} · ${each.why}</p></div>
      <div class="actions">
        ${canTurn(each) && html`<${Button} icon="sync"
          onClick=${() => act("conflicts/swap", { name, path: each.path }).then(again)}>
          Choose the other<//>`}
        ${each.entry && !each.acknowledged && html`<${Button} icon="file"
          onClick=${() => keepBoth(each)}>Keep both<//>`}
        ${each.kept === "server" && html`<a class="button" href="#/trash">
          <${Icon} name="trash" />Restore it</a>`}
        ${each.acknowledged
          ? html`<span class="small"><${Icon} name="check" /> acknowledged</span>`
          : html`<${Button} icon="check"
            onClick=${() => acknowledge({ paths: [each.path] })}>Acknowledge<//>`}
      </div></li>`)}</ul>
    ${entries.length > shown && html`<p class="more"><${Button}
      onClick=${() => setShown(shown + SHOWN)}>Show more<//></p>`}`;
}

// Whether the version that lost is where it can become the content.
const canTurn = ({ kept }) => ["local", "trash", "copy"].includes(kept);
