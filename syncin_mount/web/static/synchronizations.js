// The first screen: what needs somebody, and a card for each synchronization.

import { useRef, useState } from "preact/hooks";
import { Card, PAUSES } from "/card.js";
import { t, tn } from "/language.js";
import { Limits } from "/limits.js";
import { NeedsYou } from "/needs_you.js";
import { Icon, Item, Menu, act, html } from "/parts.js";
import { NoDrives, usePortions } from "/rows.js";
import { cardsInOrder, useStore } from "/store.js";
import * as words from "/words.js";

const SCHEDULERS = {
  parallel: t("Schedules: beside one another"),
  sequential: t("Schedules: one after another"),
  off: t("Schedules: off"),
};

// A card is drawn when it changed, and not because another one did.
function useCards() {
  const known = useRef(new Map());
  return (name) => {
    const cards = known.current;
    if (!cards.has(name)) cards.set(name, html`<${Card} key=${name} name=${name} />`);
    return cards.get(name);
  };
}

export function Synchronizations() {
  const { program } = useStore();
  const [limits, setLimits] = useState(false);
  const cards = cardsInOrder();
  const drawn = usePortions(cards.length);
  const cardOf = useCards();
  if (!program) return html`<p class="waits">${t("One moment…")}</p>`;
  if (!program.order.length) {
    if (program.trouble) {
      return html`<h1>${t("Synchronizations")}</h1><p class="note bad">${program.trouble}</p>`;
    }
    return html`<${NoDrives} title=${t("Synchronizations")} />`;
  }
  const mounted = cards.filter((each) => each.status && each.status.mounted);
  const names = mounted.filter((each) => !each.status.paused).map((each) => each.name);
  const all = mounted.map((each) => each.name);
  return html`
    <div class="title">
      <div>
        <h1>${t("Synchronizations")}</h1>
        <p>${summary(cards)}</p>
      </div>
      <a class="button" href="#/add"><${Icon} name="plus" />${t("Add")}</a>
      ${names.length > 1 && html`<${Menu} label=${t("Sync all")} icon="sync">
        <${Item} onClick=${() => act("sync", { names })}>${t("One after another")}<//>
        <${Item} onClick=${() => act("sync", { names, parallel: true })}>${t("All at once")}<//>
      <//>`}
      <${Menu} label=${t("More for all")} icon="more" hidden>
        ${names.length > 0 && PAUSES.map(([text, until]) => html`<${Item} key=${text}
          onClick=${() => act("pause", { names, until })}>${t("Pause all")}: ${text}<//>`)}
        ${all.length > names.length && html`<${Item}
          onClick=${() => act("resume", { names: all })}>${t("Resume all")}<//>`}
        ${all.length > 0 && html`<${Item}
          onClick=${() => setLimits(true)}>${t("Limit the bandwidth of all…")}<//>`}
        ${Object.keys(SCHEDULERS).map((how) => html`<${Item} key=${how}
          aria-pressed=${how === program.scheduler}
          onClick=${() => act("scheduler", { how })}>${SCHEDULERS[how]}<//>`)}
      <//>
    </div>
    ${program.trouble && html`<p class="note bad">${program.trouble}</p>`}
    <${NeedsYou} cards=${cards} />
    <div class="cards">${cards.slice(0, drawn).map((each) => cardOf(each.name))}</div>
    ${limits && html`<${Limits} cards=${mounted} onClose=${() => setLimits(false)} />`}`;
}

function summary(cards) {
  const files = cards.reduce((sum, each) => sum + (each.status ? each.status.known : 0), 0);
  return `${tn("{count} synchronization", "{count} synchronizations", cards.length)} · `
    + words.filesAndFolders(files);
}
