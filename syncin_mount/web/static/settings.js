// Settings: accounts and their clients, filters, and what holds for the whole program.

import { useState } from "preact/hooks";
import { Accounts } from "/accounts.js";
import { Filters } from "/filters.js";
import { rich, t } from "/language.js";
import { Limits } from "/limits.js";
import { Button, act, html } from "/parts.js";
import { useAnswer, useChanges, useDrive } from "/rows.js";
import { cardsInOrder, useStore } from "/store.js";

const LEVELS = [
  ["debug", t("Everything (to find an error)")], ["info", t("What happens (usual)")],
  ["warning", t("Only what goes wrong")],
];
const SCHEDULERS = [
  ["parallel", t("Beside one another (usual)")], ["sequential", t("One after another")],
  ["off", t("Off: only Sync now runs")],
];

export function Settings() {
  useStore();
  const [name, choice] = useDrive();
  return html`
    <div class="title"><div><h1>${t("Settings")}</h1></div></div>
    <div class="settings">
      <${Accounts} />
      ${name && html`<section class="sheet part" aria-labelledby="filters-title">
        <div class="part-head"><h2 id="filters-title">${t("Filters")}</h2>${choice}</div>
        <p class="small">${t("What {name} leaves out. Filters remove nothing; the server keeps "
          + "them, and the account page shows them, too.", { name })}</p>
        <${Filters} name=${name} />
      </section>`}
      <${Program} />
    </div>`;
}

function Program() {
  const { program } = useStore();
  const [found, again] = useAnswer("program", {}, [program && program.scheduler]);
  const [limits, setLimits] = useState(false);
  const [now, set] = useChanges(found, async (change) => {
    if (change.scheduler) await act("scheduler", { how: change.scheduler });
    else if (change.at_login) await act("at-login", { wanted: change.at_login === "on" });
    else await act("program/edit", change);
    await again();
  });
  if (!found) return null;
  const mounted = cardsInOrder().filter((each) => each.status && each.status.mounted);
  return html`<section class="sheet part" aria-labelledby="program-title">
    <h2 id="program-title">${t("This program")}</h2>
    <label class="check"><input type="checkbox" checked=${now.notifications}
      onChange=${(event) => set({ notifications: event.target.checked })} />
      <span>${t("Notices on the desktop")} <small>${t("of conflicts, of what needs you, and of a "
        + "server that is away")}</small></span></label>
    <label class="check"><input type="checkbox" checked=${now.tray}
      onChange=${(event) => set({ tray: event.target.checked })} />
      <span>${t("Icon in the desktop's tray")}
        <small> ${t("with the state of all drives and a menu")}</small></span>
    </label>
    ${now.at_login !== "impossible" && html`<label class="check"><input type="checkbox"
      checked=${now.at_login === "on"}
      onChange=${(event) => set({ at_login: event.target.checked ? "on" : "off" })} />
      <span>${t("Drives from every log-in on")}
        <small> ${t("without opening anything")}</small></span>
    </label>`}
    <${Select} label=${t("Schedules of all synchronizations")} value=${now.scheduler}
      options=${SCHEDULERS} onValue=${(scheduler) => set({ scheduler })} />
    <${Select} label=${t("What the logs keep")} value=${now.log} options=${LEVELS}
      onValue=${(log) => set({ log })} hint=${t("For drives that are mounted from now on.")} />
    <${Select} label=${t("Language")} value=${now.language}
      options=${[["auto", t("The browser's")], ...now.languages]}
      onValue=${(language) => set({ language })}
      hint=${t("For commands, notices, and a page that is opened from now on.")} />
    <div class="field"><span>${t("Bandwidth")}</span>
      <div class="unit"><${Button} disabled=${!mounted.length}
        onClick=${() => setLimits(true)}>${t("Limit the bandwidth of all…")}<//></div>
      <p class="hint">${t("The limit of one is in the menu of its card.")}</p></div>
    <p class="small">${rich("All settings are in {file}.",
      { file: html`<span class="path">${now.file}</span>` })}</p>
    ${limits && html`<${Limits} cards=${mounted} onClose=${() => setLimits(false)} />`}
  </section>`;
}

function Select({ label, value, options, onValue, hint = null }) {
  return html`<label class="field"><span>${label}</span>
    <select value=${value} onChange=${(event) => onValue(event.target.value)}>
      ${options.map(([word, text]) => html`<option key=${word} value=${word}
        selected=${word === value}>${text}</option>`)}</select>
    ${hint && html`<span class="hint">${hint}</span>`}</label>`;
}
