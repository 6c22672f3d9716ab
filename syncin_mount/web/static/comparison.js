// Both versions of a conflict side by side: what is known of each, and their lines or pictures.

import { useEffect, useState } from "preact/hooks";
import { blob } from "/api.js";
import { t, tn } from "/language.js";
import { Button, Icon, html } from "/parts.js";
import { useAnswer } from "/rows.js";
import * as words from "/words.js";

const SIDES = { local: t("This computer's version"), remote: t("The server's version") };
const TITLES = { named: t("This version"), other: t("The other version") };
const WHERE = {
  here: t("in the file now"),
  local: t("in the trash of this synchronization"),
  trash: t("in the desktop's trash"),
  server: t("in the server's trash"),
};

export function Comparison({ name, each, choose }) {
  const [found] = useAnswer("conflicts/compare", { name, number: each.number }, []);
  if (!found) return html`<p class="waits" role="status">${t("Both versions are looked at…")}</p>`;
  const { named, other } = found.versions;
  const canChoose = !each.turned && ["local", "trash", "copy"].includes(each.kept);
  const pair = [[named, "named", other], [other, "other", named]];
  return html`<div class="comparison">
    <div class="versions">
      ${pair.map(([version, which, against]) => html`<section class="version" key=${which}
          aria-label=${which === "named" ? t("The version in the file") : t("The other version")}>
        <h3>${SIDES[version.side] || TITLES[which]}</h3>
        <${Facts} version=${version} against=${against} />
        ${found[`${which}_picture`] && html`<${Picture} name=${name} number=${each.number}
          which=${which} />`}
        ${which === "named" && !each.acknowledged && html`<${Button} icon="check"
          onClick=${() => choose("acknowledge", each)}>${t("Keep this one")}<//>`}
        ${which === "other" && canChoose && html`<${Button} icon="sync"
          onClick=${() => choose("swap", each)}>${t("Keep the other")}<//>`}
      </section>`)}
    </div>
    ${found.kind === "same" && html`<p class="note">
      ${t("Both versions are the same, byte for byte.")}</p>`}
    ${found.why && html`<p class="note">${found.why}.</p>`}
    ${found.kind === "text" && html`<${Lines} rows=${found.rows} more=${found.more} />`}
    ${canChoose && each.entry && html`<p><${Button} icon="file"
      onClick=${() => choose("both", each)}>${t("Keep both")}<//></p>`}
  </div>`;
}

function Facts({ version, against }) {
  const where = WHERE[version.where] || (version.where === "copy" ? version.path : "");
  if (version.why_not) return html`<p class="small">${version.why_not}</p>`;
  const newer = against.mtime !== null && version.mtime > against.mtime;
  return html`<p class="small">${where && html`<span>${where}</span>`}
    <span>${words.size(version.size)}</span>
    <span>${words.moment(version.mtime)}${newer ? `, ${t("the later one")}` : ""}</span></p>`;
}

function Picture({ name, number, which }) {
  const [url, setUrl] = useState(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const stopping = new AbortController();
    let made = null;
    blob("conflicts/version", { name, number, version: which }, stopping.signal).then((data) => {
      made = URL.createObjectURL(data);
      setUrl(made);
    }, (error) => setFailed(error.name !== "AbortError"));
    return () => {
      stopping.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, []);
  if (failed) return html`<p class="small">${t("This picture cannot be shown.")}</p>`;
  return html`<div class="picture">${url && html`<img src=${url} onError=${() => setFailed(true)}
    alt=${which === "named" ? t("The version in the file") : t("The other version")} />`}</div>`;
}

function Lines({ rows, more }) {
  return html`<div class="lines" tabindex="0" role="region"
      aria-label=${t("The lines of both versions, side by side")}>
    ${rows.map((row, at) => (row.kind === "skipped"
      ? html`<p class="skipped" key=${at}>${
        tn("{count} equal line", "{count} equal lines", row.count)}</p>`
      : html`<${Row} key=${at} row=${row} />`))}
    ${more > 0 && html`<p class="skipped">${
      tn("{count} more line", "{count} more lines", more)}</p>`}
  </div>`;
}

// JSON leaves out what a row has not.
function Row({ row }) {
  const { left, right } = row;
  const changed = row.kind === "changed";
  const [a, b] = changed && left !== undefined && right !== undefined
    ? marked(left, right) : [left, right];
  return html`<div class="diff ${row.kind}">
    <span class="at">${row.left_number}</span>
    <code class=${left === undefined ? "nothing" : "left"}>${changed && left !== undefined
      ? html`<span class="sign">−</span><del>${a}</del>` : a}</code>
    <span class="at">${row.right_number}</span>
    <code class=${right === undefined ? "nothing" : "right"}>${changed && right !== undefined
      ? html`<span class="sign">+</span><ins>${b}</ins>` : b}</code>
  </div>`;
}

// Both lines, with what differs between their equal beginnings and ends marked.
function marked(left, right) {
  const [a, b] = [[...left], [...right]];
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  if (start + end < most / 3) return [left, right];
  const cut = (text) => [text.slice(0, start).join(""),
    html`<b>${text.slice(start, text.length - end).join("")}</b>`,
    text.slice(text.length - end).join("")];
  return [cut(a), cut(b)];
}
