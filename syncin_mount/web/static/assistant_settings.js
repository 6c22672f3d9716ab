// The assistant's third step: the settings, and what would happen with them.

import { useEffect, useState } from "preact/hooks";
import { call } from "/api.js";
import { Choice, Consent, Heading, Text, Wrong } from "/assistant_parts.js";
import { RulesToBe } from "/filters.js";
import { Bar, Button, Icon, html } from "/parts.js";
import * as words from "/words.js";

const DIRECTIONS = [
  ["both", "Both ways", "Changes here go to the server, and changes there come here."],
  ["download", "Download only", "This folder follows the server, and is read-only."],
  ["upload", "Upload only", "The server follows this folder; changes there are undone."],
];
const CONFLICTS = [
  ["recent", "The last version wins", "Whoever wrote last; the other version goes to a bin."],
  ["local", "This computer wins", "The server's version goes to its trash."],
  ["remote", "The server wins", "The version of this computer goes to a bin."],
];
const MODES = [
  ["fast", "By size and time", "Quick, and right with nearly all files."],
  ["secure", "By checksum", "Finds every difference; it takes the server longer."],
];
const TRASHES = [
  ["auto", "As the desktop does", "Its trash; without a desktop, a bin of the synchronization."],
  ["desktop", "The desktop's trash", "Always there."],
  ["own", "A bin of its own", "Seen on this page, under Trash."],
];
const TIMES = [
  ["off", "At each change", "Usual: both sides are the same within seconds."],
  ["15m", "Every 15 minutes"], ["1h", "Every hour"], ["1d", "Once a day"],
];

const STARTS = [
  ["mount", "Mount it", "And again whenever this computer starts its drives."],
  ["leave", "Leave it disabled", "Nothing is synchronized until you enable it."],
];

const OTHER = "";
const OFTEN = [...TIMES, [OTHER, "At another interval"]];

// How often it runs: one of the usual times, or any other.
export function Schedule({ value, onValue, why }) {
  const [other, setOther] = useState(!TIMES.some(([word]) => word === value));
  return html`
    <${Choice} name="every" title="When" options=${OFTEN} value=${other ? OTHER : value}
      onValue=${(word) => {
        setOther(word === OTHER);
        onValue(word === OTHER ? "" : word);
      }} />
    ${other && html`<${Text} id="interval" label="Interval" required maxlength="20" value=${value}
      onValue=${onValue} why=${why} hint="As 10m, 2h or 3d." />`}`;
}

export const CHOICES = [
  ["direction", "Direction", DIRECTIONS],
  ["conflict", "If both sides changed the same file", CONFLICTS],
  ["mode", "How files are compared", MODES],
  ["trash", "Where deleted files of this computer go", TRASHES],
];

export const DEFAULTS = {
  direction: "both", conflict: "recent", mode: "fast", trash: "auto", every: "off",
  filters: [], mounted: true,
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
    <${Heading}>How is it to be kept in step?<//>
    <${Text} id="name" label="Name" required maxlength="200" value=${settings.name || ""}
      onValue=${(name) => set({ name })} why=${at("name")}
      hint="For this page, and for commands." />
    ${readOnly && html`<p class="note">The server lets you only read there: the drive follows
      it.</p>`}
    <${Choice} name="direction" title="Direction" options=${directions}
      value=${settings.direction} onValue=${(direction) => set({ direction })} />
    <details class="more-settings"><summary>More settings
        <span class="small">all can be changed later</span></summary>
      <${Schedule} value=${settings.every} onValue=${(every) => set({ every })}
        why=${at("every")} />
      ${CHOICES.slice(1).map(([key, title, options]) => html`<${Choice} key=${key} name=${key}
        title=${title} options=${options} value=${settings[key]}
        onValue=${(value) => set({ [key]: value })} />`)}
      <${RulesToBe} rules=${settings.filters} onRules=${(filters) => set({ filters })} />
      <${Choice} name="mounted" title="When it is added" options=${STARTS}
        value=${settings.mounted ? "mount" : "leave"}
        onValue=${(word) => set({ mounted: word === "mount" })} />
    </details>
    <${Wrong}>${why && !at("name") && !at("every") && why.message}<//>
    <${Stuck} files=${why && why.said.stuck} inAll=${why && why.said.stuck_in_all} />
    ${busy && html`<div class="waits" role="status"><p>Asking the server how much there is; a
      large folder takes some seconds</p><${Bar} part=${null} label="Looking" /></div>`}
    <footer><${Button} onClick=${onBack}>Back<//>
      <button type="submit" class="button main" disabled=${busy}>Continue</button></footer>
  </form>`;
}

// Files that cannot be imported, each with its reason.
export function Stuck({ files, inAll }) {
  if (!files || !files.length) return null;
  return html`<ul class="problems">${files.map((each) => html`<li key=${each.path}>
      <b class="path">${each.path}</b> ${each.why}</li>`)}
    ${inAll > files.length && html`<li>and ${(inAll - files.length).toLocaleString("en")}
      more</li>`}</ul>`;
}

// All that will happen, before anything does.
export function Review({ wanted, looked, onStart, onBack }) {
  const [agreed, setAgreed] = useState(false);
  const direction = DIRECTIONS.find(([word]) => word === looked.direction);
  const go = (event) => {
    event.preventDefault();
    onStart(agreed);
  };
  return html`<form onSubmit=${go}>
    <${Heading}>Is this what you want?<//>
    <dl class="review">
      <div><dt>Here</dt><dd class="path">${wanted.folder.short}</dd></div>
      <div><dt>On the server</dt><dd class="path">${wanted.server}: ${wanted.remote.path}</dd></div>
      <div><dt>Direction</dt><dd>${direction[1]}</dd></div>
      <div><dt>${looked.imports ? "Needs room for" : "To download"}</dt>
        <dd>${amount(looked)}</dd></div>
      ${looked.free !== null && html`<div><dt>Free on the disk</dt>
        <dd>${words.size(looked.free)}</dd></div>`}
    </dl>
    ${looked.imports && html`<${Imports} imports=${looked.imports} />`}
    ${looked.notes.map((each) => html`<p class="note" key=${each}><${Icon} name="alert" />
      <span>${each}</span></p>`)}
    ${!looked.fits && html`<div class="note bad"><${Icon} name="alert" /><div>
      <p>A complete copy takes ${looked.whole ? "" : "more than "}${words.size(looked.needed)}, and
        ${` ${words.size(looked.free)}`} are free. Choose a smaller folder or make room; files are
        downloaded only as far as there is room for them.</p>
      <${Consent} checked=${agreed} onChecked=${setAgreed}>Add it all the same<//></div></div>`}
    <footer><${Button} onClick=${onBack}>Back<//>
      <button type="submit" class="button main">${looked.imports ? "Import and start"
        : "Start"}</button></footer>
  </form>`;
}

function amount({ files, bytes, whole }) {
  if (files === null) return "The server does not tell now";
  if (!files) return "Nothing";
  return `${whole ? "" : "More than "}${words.size(bytes)} in ${words.plural(files, "file")}`;
}

function Imports({ imports }) {
  return html`<section class="imports" aria-labelledby="imports-title">
    <h3 id="imports-title">Your files</h3>
    <p>The folder holds ${words.plural(imports.files, "file")} (${words.size(imports.bytes)})
      in ${words.plural(imports.folders, "folder")}. They become the drive's. Each stays where it is
      until its copy is safe. What becomes of them, and of those on the server:</p>
    <ul>${imports.fates.map((each) => html`<li key=${each.said}>
      <b>${each.files.toLocaleString("en")}</b><span>${each.said}
        <small>${words.size(each.bytes)} · ${each.examples.join(" · ")}${
          each.files > each.examples.length ? " …" : ""}</small></span></li>`)}</ul>
  </section>`;
}
