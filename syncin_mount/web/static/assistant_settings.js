// The assistant's third step: the settings, and what would happen with them.

import { useEffect, useState } from "preact/hooks";
import { call } from "/api.js";
import { Choice, Consent, Heading, Text, Wrong } from "/assistant_parts.js";
import { RulesToBe } from "/filters.js";
import { number, t, tn } from "/language.js";
import { Bar, Button, Icon, html } from "/parts.js";
import * as words from "/words.js";

const DIRECTIONS = [
  ["both", t("Both ways"), t("Changes here go to the server, and changes there come here.")],
  ["download", t("Download only"), t("This folder follows the server, and is read-only.")],
  ["upload", t("Upload only"), t("The server follows this folder; changes there are undone.")],
];
const CONFLICTS = [
  ["recent", t("The last version wins"), t("Whoever wrote last; the other version goes to a bin.")],
  ["local", t("This computer wins"), t("The server's version goes to its trash.")],
  ["remote", t("The server wins"), t("The version of this computer goes to a bin.")],
];
const MODES = [
  ["fast", t("By size and time"), t("Quick, and right with nearly all files.")],
  ["secure", t("By checksum"), t("Finds every difference; it takes the server longer.")],
];
const TRASHES = [
  ["auto", t("As the desktop does"), t("Its trash; without a desktop, a bin of the "
    + "synchronization.")],
  ["desktop", t("The desktop's trash"), t("Always there.")],
  ["own", t("A bin of its own"), t("Seen on this page, under Trash.")],
];
const TIMES = [
  ["off", t("At each change"), t("Usual: both sides are the same within seconds.")],
  ["15m", t("Every 15 minutes")], ["1h", t("Every hour")], ["1d", t("Once a day")],
];

const STARTS = [
  ["mount", t("Mount it"), t("And again whenever this computer starts its drives.")],
  ["leave", t("Leave it disabled"), t("Nothing is synchronized until you enable it.")],
];

const SIDEBARS = [
  ["leave", t("Leave it as it is"), t("File managers show a mounted drive by themselves.")],
  ["bookmark", t("Put the drive into it"), t("It is there also while it is not mounted.")],
];

const OTHER = "";
const OFTEN = [...TIMES, [OTHER, t("At another interval")]];

// How often it runs: one of the usual times, or any other.
export function Schedule({ value, onValue, why }) {
  const [other, setOther] = useState(!TIMES.some(([word]) => word === value));
  return html`
    <${Choice} name="every" title=${t("When")} options=${OFTEN} value=${other ? OTHER : value}
      onValue=${(word) => {
        setOther(word === OTHER);
        onValue(word === OTHER ? "" : word);
      }} />
    ${other && html`<${Text} id="interval" label=${t("Interval")} required maxlength="20"
      value=${value}
      onValue=${onValue} why=${why} hint=${t("As 10m, 2h or 3d.")} />`}`;
}

export const CHOICES = [
  ["direction", t("Direction"), DIRECTIONS],
  ["conflict", t("If both sides changed the same file"), CONFLICTS],
  ["mode", t("How files are compared"), MODES],
  ["trash", t("Where deleted files of this computer go"), TRASHES],
];

export const DEFAULTS = {
  direction: "both", conflict: "recent", mode: "fast", trash: "auto", every: "off",
  filters: [], mounted: true, bookmark: false,
};

export function SettingsStep({ wanted, refused, onSettings, onRefused, onLooked, onBack }) {
  const { server, folder, remote, settings } = wanted;
  const [why, setWhy] = useState(refused);
  const [busy, setBusy] = useState(false);
  const set = (more) => onSettings((now) => ({ ...now, ...more }));
  const { read_only: readOnly } = remote;
  useEffect(() => {
    if (readOnly) set({ direction: "download" });
    if (!settings.name) {
      call("assistant/name", { remote: remote.path })
        .then(({ name }) => onSettings((now) => ({ ...now, name: now.name || name })), () => {});
    }
  }, []);
  const look = async (event) => {
    event.preventDefault();
    setBusy(true);
    setWhy(null);
    const body = {
      ...settings, server, remote: remote.path, folder: folder.path, importing: folder.holds,
    };
    try {
      onLooked(await call("assistant/look", body));
    } catch (error) {
      setBusy(false);
      if (["name", "every"].includes(error.said.field)) setWhy(error);
      else if (!onRefused(error)) setWhy(error);
    }
  };
  const at = (field) => why && why.said.field === field && why.message;
  const directions = DIRECTIONS.map((each) => [...each, readOnly && each[0] !== "download"]);
  return html`<form onSubmit=${look}>
    <${Heading}>${t("How is it to be kept in step?")}<//>
    <${Text} id="name" label=${t("Name")} required maxlength="200" value=${settings.name || ""}
      onValue=${(name) => set({ name })} why=${at("name")}
      hint=${t("For this page, and for commands.")} />
    ${readOnly && html`<p class="note">${
      t("The server lets you only read there: the drive follows it.")}</p>`}
    <${Choice} name="direction" title=${t("Direction")} options=${directions}
      value=${settings.direction} onValue=${(direction) => set({ direction })} />
    <details class="more-settings"><summary>${t("More settings")}
        <span class="small">${t("all can be changed later")}</span></summary>
      <${Schedule} value=${settings.every} onValue=${(every) => set({ every })}
        why=${at("every")} />
      ${CHOICES.slice(1).map(([key, title, options]) => html`<${Choice} key=${key} name=${key}
        title=${title} options=${options} value=${settings[key]}
        onValue=${(value) => set({ [key]: value })} />`)}
      <${RulesToBe} rules=${settings.filters} onRules=${(filters) => set({ filters })} />
      <${Choice} name="mounted" title=${t("When it is added")} options=${STARTS}
        value=${settings.mounted ? "mount" : "leave"}
        onValue=${(word) => set({ mounted: word === "mount" })} />
      <${Choice} name="bookmark" title=${t("The sidebar of file managers")} options=${SIDEBARS}
        value=${settings.bookmark ? "bookmark" : "leave"}
        onValue=${(word) => set({ bookmark: word === "bookmark" })} />
    </details>
    <${Wrong}>${why && !at("name") && !at("every") && why.message}<//>
    <${Stuck} files=${why && why.said.stuck} inAll=${why && why.said.stuck_in_all} />
    ${busy && html`<div class="waits" role="status"><p>${t("Asking the server how much there is; a "
      + "large folder takes some seconds")}</p><${Bar} part=${null} label=${t("Looking")} /></div>`}
    <footer><${Button} onClick=${onBack}>${t("Back")}<//>
      <button type="submit" class="button main" disabled=${busy}>${t("Continue")}</button></footer>
  </form>`;
}

// Files that cannot be imported, each with its reason.
export function Stuck({ files, inAll }) {
  if (!files || !files.length) return null;
  return html`<ul class="problems">${files.map((each) => html`<li key=${each.path}>
      <b class="path">${each.path}</b> ${each.why}</li>`)}
    ${inAll > files.length && html`<li>${
      tn("and {count} more", "and {count} more", inAll - files.length)}</li>`}</ul>`;
}

// All that will happen, before anything does.
export function Review({ wanted, looked, onStart, onBack }) {
  const [agreed, setAgreed] = useState(false);
  const direction = DIRECTIONS.find(([word]) => word === looked.direction);
  const room = { needed: words.size(looked.needed), free: words.size(looked.free || 0) };
  const go = (event) => {
    event.preventDefault();
    onStart(agreed);
  };
  return html`<form onSubmit=${go}>
    <${Heading}>${t("Is this what you want?")}<//>
    <dl class="review">
      <div><dt>${t("Here")}</dt><dd class="path">${wanted.folder.short}</dd></div>
      <div><dt>${t("On the server")}</dt>
        <dd class="path">${wanted.server}: ${wanted.remote.path}</dd></div>
      <div><dt>${t("Direction")}</dt><dd>${direction[1]}</dd></div>
      <div><dt>${looked.imports ? t("Needs room for") : t("To download")}</dt>
        <dd>${amount(looked)}</dd></div>
      ${looked.free !== null && html`<div><dt>${t("Free on the disk")}</dt>
        <dd>${words.size(looked.free)}</dd></div>`}
    </dl>
    ${looked.imports && html`<${Imports} imports=${looked.imports} />`}
    ${looked.notes.map((each) => html`<p class="note" key=${each}><${Icon} name="alert" />
      <span>${each}</span></p>`)}
    ${!looked.fits && html`<div class="note bad"><${Icon} name="alert" /><div>
      <p>${looked.whole
        ? t("A complete copy takes {needed}, and {free} are free. Choose a smaller folder or make "
          + "room; files are downloaded only as far as there is room for them.", room)
        : t("A complete copy takes more than {needed}, and {free} are free. Choose a smaller "
          + "folder or make room; files are downloaded only as far as there is room for them.",
        room)}</p>
      <${Consent} checked=${agreed} onChecked=${setAgreed}>
        ${t("Add it all the same")}<//></div></div>`}
    <footer><${Button} onClick=${onBack}>${t("Back")}<//>
      <button type="submit" class="button main">${looked.imports ? t("Import and start")
        : t("Start")}</button></footer>
  </form>`;
}

function amount({ files, bytes, whole }) {
  if (files === null) return t("The server does not tell now");
  if (!files) return t("Nothing");
  const size = words.size(bytes);
  return whole ? tn("{size} in {count} file", "{size} in {count} files", files, { size })
    : tn("More than {size} in {count} file", "More than {size} in {count} files", files, { size });
}

function Imports({ imports }) {
  return html`<section class="imports" aria-labelledby="imports-title">
    <h3 id="imports-title">${t("Your files")}</h3>
    <p>${tn("The folder holds {count} file ({size}).", "The folder holds {count} files ({size}).",
      imports.files, { size: words.size(imports.bytes) })}
      ${" "}${t("They become the drive's. Each stays where it is until its copy is safe. What "
        + "becomes of them, and of those on the server:")}</p>
    <ul>${imports.fates.map((each) => html`<li key=${each.said}>
      <b>${number(each.files)}</b><span>${each.said}
        <small>${words.size(each.bytes)} · ${each.examples.join(" · ")}${
          each.files > each.examples.length ? " …" : ""}</small></span></li>`)}</ul>
  </section>`;
}
