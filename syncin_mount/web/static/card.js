// One synchronization on the first screen.

import { useState } from "preact/hooks";
import { number, t } from "/language.js";
import { Bar, Button, Icon, Item, Menu, act, html } from "/parts.js";
import { Edit, Remove, Rename } from "/change.js";
import { Check, Details } from "/copies.js";
import { FiltersDialog } from "/filters.js";
import { Import } from "/import.js";
import { Limits } from "/limits.js";
import { Plan } from "/plan.js";
import { useCard } from "/store.js";
import * as words from "/words.js";

export const PAUSES = [
  [t("For 1 hour"), 3600],
  [t("Until tomorrow at 6:00"), "tomorrow"],
  [t("Until you resume it"), null],
];

export function Card({ name }) {
  const [card, onView] = useCard(name);
  const [open, setOpen] = useState(null);
  return card && html`<${Drawn} card=${card} open=${open} setOpen=${setOpen}
    onView=${onView} />`;
}

function Drawn({ card, open, setOpen, onView }) {
  const [word, tone] = words.stateOf(card);
  const { status } = card;
  const close = () => setOpen(null);
  return html`<article class="card" aria-label=${card.name}
      oncontentvisibilityautostatechange=${onView}>
    <header>
      <h2>${card.name}</h2>
      <span class="state ${tone}">${word}</span>
    </header>
    <p class="headline">${words.headline(card)}</p>
    ${status && status.work && html`<${Work} work=${status.work} />`}
    <${Sides} card=${card} />
    ${card.unverified && html`<p class="note bad"><${Icon} name="alert" />${card.unverified}</p>`}
    ${status && status.restriction && html`<p class="note">${status.restriction}</p>`}
    <${Facts} card=${card} />
    <${Actions} card=${card} open=${setOpen} />
    ${open === "plan" && html`<${Plan} name=${card.name} onClose=${close} />`}
    ${open === "limits" && html`<${Limits} cards=${[card]} onClose=${close} />`}
    ${open === "edit" && html`<${Edit} card=${card} onClose=${close} />`}
    ${open === "filters" && html`<${FiltersDialog} name=${card.name} onClose=${close} />`}
    ${open === "details" && html`<${Details} name=${card.name} onClose=${close} />`}
    ${open === "check" && html`<${Check} card=${card} onClose=${close} />`}
    ${open === "import" && html`<${Import} card=${card} onClose=${close} />`}
    ${open === "rename" && html`<${Rename} name=${card.name} onClose=${close} />`}
    ${open === "remove" && html`<${Remove} card=${card} onClose=${close} />`}
  </article>`;
}

function Work({ work }) {
  const known = words.share(work);
  const transfers = work.transfers || [];
  return html`<div class="work">
    <${Bar} part=${known && known[1] ? known[0] / known[1] : null} label=${t("Progress")} />
    <ul class="transfers">${transfers.slice(0, 3).map((each) => html`<li key=${each.path}>
      <${Icon} name=${each.op === "send" ? "up" : "down"} />
      <span class="path">${each.path}</span>
      <span class="amount">${each.size > 262144
        ? words.partOf(words.size(each.done), words.size(each.size)) : words.size(each.size)}</span>
    </li>`)}</ul>
  </div>`;
}

function Sides({ card }) {
  const force = (card.status && card.status.direction) || card.direction;
  const [sign, meaning] = words.DIRECTIONS[force] || words.DIRECTIONS.both;
  const here = card.status && card.status.mounted;
  return html`<div class="sides">
    ${here
      ? html`<button type="button" class="side" title=${t("Open in the file manager")}
          onClick=${() => act("open", { name: card.name })}>
          <${Icon} name="folder" /><span>${card.folder}</span></button>`
      : html`<span class="side"><${Icon} name="folder" /><span>${card.folder}</span></span>`}
    <span class="direction" role="img" aria-label=${meaning} title=${meaning}>${sign}</span>
    <a class="side" href=${card.page} target="_blank" rel="noopener noreferrer"
      title=${t("Open on the server")}>
      <${Icon} name="cloud" /><span>${card.server}: ${card.remote}</span></a>
  </div>`;
}

function Facts({ card }) {
  const { status, run } = card;
  if (!status) return null;
  const facts = [[t("Last run"), words.moment(status.last_run)]];
  if (status.next_run) facts.push([t("Next run"), words.moment(status.next_run)]);
  else if (status.schedule !== "off") facts.push([t("Every"), status.schedule]);
  if (status.files === null) facts.push([t("Files and folders"), number(status.known)]);
  else facts.push([t("Files"), `${number(status.files)} · ${words.size(status.bytes)}`]);
  if (status.waiting) facts.push([t("To upload"), number(status.waiting)]);
  if (status.absent) facts.push([t("To download"), number(status.absent)]);
  if (status.held) facts.push([t("Held"), number(status.held)]);
  const limits = [[status.limit_up, "up"], [status.limit_down, "down"]]
    .filter(([rate]) => rate)
    .map(([rate, way]) => (way === "up" ? t("{rate}/s up", { rate: words.size(rate) })
      : t("{rate}/s down", { rate: words.size(rate) })));
  if (limits.length) facts.push([t("Limit"), limits.join(", ")]);
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div key=${name}>
      <dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${run && run.phase === "ended" && html`<p class="ending ${run.said ? "bad" : ""}">
      <${Icon} name=${run.said ? "alert" : "check"} />${words.ending(run)}
      <span class="when">${words.moment(run.ended)}</span></p>`}`;
}

function Actions({ card, open }) {
  const { name, status, run } = card;
  const mounted = Boolean(status && status.mounted);
  const running = Boolean(run && run.phase !== "ended");
  return html`<div class="actions">
    ${card.unfinished ? html`<${Button} kind="main" icon="play"
      onClick=${() => open("import")}>${t("Go on with the import…")}<//>`
      : main(card, mounted, running)}
    ${mounted && html`<${Button} icon="eye" onClick=${() => open("plan")}>${t("Simulate")}<//>`}
    ${mounted && !status.paused && html`<${Menu} label=${t("Pause")} icon="pause">
      ${PAUSES.map(([text, until]) => html`<${Item} key=${text}
        onClick=${() => act("pause", { names: [name], until })}>${text}<//>`)}
    <//>`}
    <span class="space" />
    <${Menu} label=${t("More for {name}", { name })} icon="more" hidden>
      ${mounted && html`<${Item} onClick=${() => open("limits")}>${t("Limit the bandwidth…")}<//>`}
      <${Item} onClick=${() => open("details")}>${t("Details…")}<//>
      <${Item} onClick=${() => open("edit")}>${t("Settings…")}<//>
      <${Item} onClick=${() => open("filters")}>${t("Filters…")}<//>
      <${Item} onClick=${() => open("check")}>${t("Check…")}<//>
      <${Item} onClick=${() => open("rename")}>${t("Rename…")}<//>
      <${Item} onClick=${() => navigator.clipboard.writeText(card.mountpoint)}>
        ${t("Copy the folder's path")}<//>
      <${Item} onClick=${() => act("enable", { name, enabled: !card.enabled })}>
        ${card.enabled ? t("Disable") : t("Enable")}<//>
      <${Item} onClick=${() => open("remove")}>${t("Remove…")}<//>
    <//>
  </div>`;
}

// What one most likely wants to do with it now.
function main({ name, enabled, status }, mounted, running) {
  if (running) {
    return html`<${Button} kind="main" icon="stop"
      onClick=${() => act("stop", { name })}>${t("Stop")}<//>`;
  }
  if (mounted && status.paused) {
    return html`<${Button} kind="main" icon="play"
      onClick=${() => act("resume", { names: [name] })}>${t("Resume")}<//>`;
  }
  if (mounted) {
    return html`<${Button} kind="main" icon="sync"
      onClick=${() => act("sync", { names: [name] })}>${t("Sync now")}<//>`;
  }
  if (!enabled) {
    return html`<${Button} kind="main" icon="play"
      onClick=${() => act("enable", { name, enabled: true })}>${t("Enable")}<//>`;
  }
  return status && html`<${Button} kind="main" icon="play"
    onClick=${() => act("mount", { name })}>${t("Mount")}<//>`;
}
