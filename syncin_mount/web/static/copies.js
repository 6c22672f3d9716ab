// One synchronization looked into: what is known of it, and whether its local copy is sound.

import { useEffect, useRef, useState } from "preact/hooks";
import { call, stream } from "/api.js";
import { Wrong } from "/assistant_parts.js";
import { CHOICES } from "/assistant_settings.js";
import { t, tn } from "/language.js";
import { Bar, Button, Dialog, Icon, html } from "/parts.js";
import * as words from "/words.js";

// What a setting's value is called where it is chosen.
const choice = (key, value) => {
  const [, title, options] = CHOICES.find(([name]) => name === key);
  const found = options.find(([word]) => word === value);
  return [title, found ? found[1] : value];
};

function facts(found) {
  const yes = found.enabled ? t("Yes") : t("No");
  const pause = found.paused_until ? t("Until {time}", { time: words.day(found.paused_until) })
    : t("Until you resume it");
  const limit = (rate) => (rate ? `${words.size(rate)}/s` : t("no limit"));
  return [
    [t("Server"), `${found.server} (${found.login} · ${found.url})`],
    [t("Folder on the server"), found.remote],
    [t("Folder on this computer"), found.mountpoint],
    ...["direction", "conflict", "mode", "trash"].map((key) => choice(key, found[key])),
    found.restriction && [t("Why this direction"), found.restriction],
    [t("When"), found.every === "off" ? t("At each change")
      : t("Every {time}", { time: found.every })],
    [t("Paused"), found.paused ? pause : t("No")],
    [t("Upload"), limit(found.limit_up)],
    [t("Download"), limit(found.limit_down)],
    [t("Left out"), found.filters.join(", ") || t("nothing")],
    [t("Enabled"), found.disabled_there ? t("No: disabled on the account page") : yes],
    found.permissions && [t("Permissions"), found.permissions],
    [t("The server has it as"), found.on_server],
    found.changed && [t("Settings changed"), words.moment(found.changed)],
    [t("Configuration"), found.configuration],
    [t("Local copy"), found.replica],
    [t("Log"), found.log],
  ].filter(Boolean);
}

export function Details({ name, onClose }) {
  const [found, setFound] = useState(null);
  const [why, setWhy] = useState(null);
  useEffect(() => {
    const stopping = new AbortController();
    call("show", { name }, stopping.signal).then(setFound, (error) => {
      if (error.name !== "AbortError") setWhy(error.message);
    });
    return () => stopping.abort();
  }, [name]);
  return html`<${Dialog} title=${t("Details of {name}", { name })} onClose=${onClose} wide>
    <div class="content" tabindex="0"><${Wrong}>${why}<//>
      ${!found && !why && html`<${Bar} part=${null} label=${t("Looking")} />`}
      ${found && html`<dl class="details">${facts(found).map(([what, value]) => html`<div
        key=${what}><dt>${what}</dt><dd class="path">${value}</dd></div>`)}</dl>`}
    </div>
    <footer><${Button} onClick=${onClose}>${t("Close")}<//></footer>
  <//>`;
}

const PARTS = {
  unmounting: t("Unmounting the drive"),
  comparing: t("Comparing index, journal and contents"),
  repairing: t("Repairing; this comes to its end"),
  reading: t("Reading the contents"),
  mounting: t("Mounting the drive again"),
};

// Closed, or with its tab, it stops, and the drive is mounted again; a repair comes to its end.
export function Check({ card, onClose }) {
  const { name } = card;
  const [contents, setContents] = useState(false);
  const [at, setAt] = useState(null);
  const [found, setFound] = useState(null);
  const [why, setWhy] = useState(null);
  const stopping = useRef(null);
  useEffect(() => () => stopping.current && stopping.current.abort(), []);
  const go = (repair) => {
    stopping.current = new AbortController();
    setAt({ part: "unmounting" });
    setFound(null);
    setWhy(null);
    stream("check", { name, contents, repair }, (line) => {
      if (line.event === "at") setAt(line);
      else if (line.event === "found") setFound(line);
      else setWhy(line.why);
    }, stopping.current.signal).catch((error) => {
      setWhy(error.name === "AbortError" ? t("It was stopped.") : error.message);
    }).then(() => setAt(null));
  };
  const mounted = Boolean(card.status && card.status.mounted);
  return html`<${Dialog} title=${t("Check the local copy of {name}", { name })} onClose=${onClose}
      wide>
    <div class="content">
      <p>${t("Index, journal and contents of the local copy are compared with each other. No "
        + "content is removed, also by a repair.")}</p>
      ${mounted && !at && html`<p class="note"><${Icon} name="alert" /><span>${
        t("The drive is unmounted meanwhile: close what is open in {folder}.", card)}</span></p>`}
      <label class="check"><input type="checkbox" checked=${contents} disabled=${Boolean(at)}
        onChange=${() => setContents(!contents)} /> ${
        t("Read all contents, too, and compare their checksums")}</label>
      ${at && html`<${Progress} at=${at} />`}
      <${Wrong}>${why}<//>
      ${found && html`<${Outcome} found=${found} />`}
    </div>
    <footer>
      ${at ? at.part !== "repairing" && html`<${Button} icon="stop"
          onClick=${() => stopping.current.abort()}>${t("Stop")}<//>`
        : html`<${Button} onClick=${onClose}>${t("Close")}<//>`}
      ${!at && (found && found.repairable
        ? html`<${Button} kind="main" onClick=${() => go(true)}>${t("Repair")}<//>`
        : html`<${Button} kind="main" onClick=${() => go(false)}>${t("Check")}<//>`)}
    </footer>
  <//>`;
}

function Progress({ at }) {
  const part = at.files_in_all
    ? (at.bytes + at.files) / (at.bytes_in_all + at.files_in_all) : null;
  return html`<div class="waits">
    <p role="status">${PARTS[at.part]}</p>
    ${at.files_in_all > 0 && html`<p class="small">${
      words.partOf(at.files, words.files(at.files_in_all))} · ${
      words.partOf(words.size(at.bytes), words.size(at.bytes_in_all))}</p>`}
    <${Bar} part=${part} label=${t("Checking")} /></div>`;
}

function Outcome({ found }) {
  const { lines, count } = found;
  return html`<div role="status"><ul class="problems">${lines.map((each, number) => html`<li
      key=${number} class="path">${each}</li>`)}
    ${count > lines.length && html`<li>${
      tn("and {count} more", "and {count} more", count - lines.length)}</li>`}</ul>
    <${Wrong}>${found.trouble}<//><${Wrong}>${found.not_mounted}<//></div>`;
}
