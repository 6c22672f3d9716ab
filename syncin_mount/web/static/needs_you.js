// What cannot go on without somebody, each in a sentence with what solves it.

import { useRef, useState } from "preact/hooks";
import { takePlace } from "/api.js";
import { EndHung } from "/end_hung.js";
import { t, tn } from "/language.js";
import { LogIn } from "/log_in.js";
import { Button, Icon, act, html } from "/parts.js";
import { Plan } from "/plan.js";
import { usePortions } from "/rows.js";
import * as words from "/words.js";

const SHOWN = 3;

export function NeedsYou({ cards }) {
  const items = cards.flatMap(needs);
  const drawn = usePortions(items.length);
  const known = useRef(new Map());
  if (!items.length) return null;
  return html`<section class="needs" aria-labelledby="needs-title">
    <h2 id="needs-title"><${Icon} name="alert" />${t("Needs you")}</h2>
    <ul>${items.slice(0, drawn).map((each) => itemOf(known.current, each))}</ul>
  </section>`;
}

// Drawn anew only where something of it differs.
function itemOf(known, item) {
  const { card, kind, why, problems } = item;
  const key = `${card.name} ${kind}`;
  const looks = JSON.stringify([why, problems, card.enabled, card.server]);
  if (!known.has(key) || known.get(key)[0] !== looks) {
    known.set(key, [looks, html`<${Need} key=${key} ...${item} />`]);
  }
  return known.get(key)[1];
}

// By the guard's word: halts that no plan solves, and what is offered for them.
const STANDING = {
  unregistered: "unregistered", disabled: "disabled", "root gone": "changed", spelling: "changed",
};

function needs(card) {
  const { status } = card;
  const found = [];
  const add = (kind, why, more = {}) => found.push({ card, kind, why, ...more });
  if (card.error) add(card.hangs ? "hung" : "error", card.error);
  if (status && status.halted) add(STANDING[status.halt] || "halted", status.halted);
  else if (card.disabled_there) {
    add("disabled", t("It was disabled on the account page. What is here stays, and waits"));
  }
  if (status && status.refused) add("refused", status.refused);
  if (status && status.failed) add("failed", status.failed);
  if (card.why && card.phase === "waiting") add("down", card.why);
  if (status) {
    const lasting = status.problems.filter((each) => each.lasting);
    if (lasting.length) {
      add("problems", tn("{count} file or folder cannot go on as it is",
        "{count} files and folders cannot go on as they are", lasting.length),
          { problems: lasting });
    }
    if (status.conflicts) {
      add("conflicts", tn(
        "{count} conflict was resolved by the rule that is set; the version that lost is kept",
        "{count} conflicts were resolved by the rule that is set; the versions that lost are kept",
        status.conflicts));
    }
  }
  return found;
}

let place;

// What is opened at once, where the tray icon or a notice led to just that.
function led(name, kind) {
  if (place === undefined) place = takePlace();
  if (!place || place.drive !== name) return null;
  if (place.at === "halt" && kind === "halted") return "plan";
  return place.at === "log-in" && kind === "refused" ? "log-in" : null;
}

function Need({ card, kind, why, problems = [] }) {
  const { name } = card;
  const [open, setOpen] = useState(() => led(name, kind));
  const close = () => setOpen(null);
  return html`<li>
    <div class="what">
      <h3>${name}</h3>
      <p>${why}</p>
      ${problems.length > 0 && html`<ul class="problems">
        ${problems.slice(0, SHOWN).map((each) => html`<li key=${each.path}>
          <b class="path">${each.path || t("all of it")}</b> ${each.why}</li>`)}
        ${problems.length > SHOWN && html`<li>${
          tn("and {count} more", "and {count} more", problems.length - SHOWN)}</li>`}
      </ul>`}
    </div>
    <div class="actions">
      ${kind === "halted" && html`<${Button} kind="main" icon="eye"
        onClick=${() => setOpen("plan")}>${t("Look at the plan")}<//>`}
      ${kind === "refused" && html`<${Button} kind="main"
        onClick=${() => setOpen("log-in")}>${t("Log in again")}<//>`}
      ${kind === "hung" && html`<${Button} kind="main" icon="alert"
        onClick=${() => setOpen("end")}>${t("End and mount again…")}<//>`}
      ${kind === "unregistered" && html`<${Button} kind="main" icon="sync"
        onClick=${() => act("register", { name })}>${t("Register again")}<//>`}
      ${kind === "disabled" && html`<${Button} kind="main" icon="play"
        onClick=${() => act("enable", { name, enabled: true })}>${t("Enable")}<//>`}
      ${["failed", "problems", "changed"].includes(kind) && html`<${Button} icon="sync"
        onClick=${() => act("sync", { names: [name] })}>${t("Try again")}<//>`}
      ${["down", "error"].includes(kind) && card.enabled && html`<${Button} icon="play"
        onClick=${() => act("mount", { name })}>${t("Try again")}<//>`}
      ${kind === "conflicts" && html`<a class="button" href="#/conflicts">${tn(
        "Look at the conflict", "Look at the conflicts", card.status.conflicts)}</a>`}
    </div>
    ${open === "plan" && html`<${Plan} name=${name} onClose=${close} />`}
    ${open === "end" && html`<${EndHung} name=${name} onClose=${close} />`}
    ${open === "log-in" && html`<${LogIn} server=${card.server} onClose=${close} />`}
  </li>`;
}
