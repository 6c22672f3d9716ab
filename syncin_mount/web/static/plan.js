// What a run would do: looked at before it is done.

import { useEffect, useState } from "preact/hooks";
import { stream } from "/api.js";
import { number, rich, t, tn } from "/language.js";
import { Bar, Button, Dialog, Icon, act, html } from "/parts.js";
import * as words from "/words.js";

const FEW = 60;

export function Plan({ name, onClose }) {
  const [work, setWork] = useState(null);
  const [plan, setPlan] = useState(null);
  const [why, setWhy] = useState(null);
  useEffect(() => {
    const stopping = new AbortController();
    stream("simulate", { name }, (line) => {
      if (line.event === "progress") setWork(line);
      else if (line.event === "plan") setPlan(line);
      else setWhy(line.why);
    }, stopping.signal).catch((error) => {
      if (error.name !== "AbortError") setWhy(error.message);
    });
    return () => stopping.abort();
  }, [name]);
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    if (await act("sync", { names: [name], plan: plan.report.plan })) onClose();
    setBusy(false);
  };
  const possible = plan && plan.report.plan && plan.actions > 0;
  const title = t("What a run of {name} would do", { name });
  return html`<${Dialog} title=${title} onClose=${onClose} wide>
    <div class="content">
      ${why && html`<p class="note bad"><${Icon} name="alert" />${why}</p>`}
      ${!why && !plan && html`<div class="waits">
        <p>${work ? words.progress(work) : t("Asking both sides")}</p>
        <${Bar} part=${null} label=${t("Looking")} /></div>`}
      ${plan && html`<${Found} plan=${plan} />`}
    </div>
    <footer>
      <${Button} onClick=${onClose}>${possible ? t("Cancel") : t("Close")}<//>
      ${possible && html`<${Button} kind="main" icon="check" disabled=${busy} onClick=${go}>
        ${t("Do exactly this")}<//>`}
    </footer>
  <//>`;
}

function Found({ plan }) {
  const { report, actions } = plan;
  const stopped = report.refused || report.offline || report.halted;
  const counts = new Map();
  for (const each of report.actions) {
    const what = words.action(each.op, each.side);
    counts.set(what, (counts.get(what) || 0) + 1);
  }
  return html`
    ${stopped && html`<p class="note bad"><${Icon} name="alert" />${stopped}</p>`}
    ${!actions && !stopped && html`<p>${t("Nothing: both sides are the same.")}</p>`}
    ${actions > 0 && html`<ul class="counts">${[...counts].map(([what, count]) =>
      html`<li key=${what}><strong>${number(count)}</strong> ${what}</li>`)}
      ${report.bytes > 0 && html`<li>${rich("{size} to transfer",
        { size: html`<strong>${words.size(report.bytes)}</strong>` })}</li>`}
    </ul>`}
    <${Branch} node=${tree(report.actions)} open=${report.actions.length <= FEW} />
    ${actions > report.actions.length && html`<p class="note">${tn(
      "and {count} more, which the plan has, too", "and {count} more, which the plan has, too",
      actions - report.actions.length)}</p>`}
    ${report.problems.map((each) => html`<p class="note" key=${each.path}>
      <${Icon} name="alert" /><span><b>${each.path}</b> ${each.why}</span></p>`)}`;
}

// Folders within folders, and what is done in each.
export function tree(actions) {
  const root = { name: "", folders: new Map(), actions: [], count: 0 };
  for (const each of actions) {
    const parts = each.path.split("/");
    let node = root;
    root.count += 1;
    for (const part of parts.slice(0, -1)) {
      if (!node.folders.has(part)) {
        node.folders.set(part, { name: part, folders: new Map(), actions: [], count: 0 });
      }
      node = node.folders.get(part);
      node.count += 1;
    }
    node.actions.push({ ...each, name: parts[parts.length - 1] });
  }
  return root;
}

const ICONS = {
  send: "up", fetch: "down", make: "folder", move: "move", delete: "trash", touch: "clock",
};

function Branch({ node, open }) {
  return html`<ul class="tree">
    ${[...node.folders.values()].map((each) => html`<${Folder} key=${`/${each.name}`}
      node=${each} open=${open} />`)}
    ${node.actions.map((each) => html`<li key=${each.path} class="leaf ${each.op}">
      <${Icon} name=${ICONS[each.op] || "file"} />
      <span class="what">
        <span class="path">${each.name}${each.new_path ? ` → ${each.new_path}` : ""}</span>
        <span class="why"><b>${words.action(each.op, each.side)}</b> · ${each.why}</span>
      </span>
      ${each.size > 0 && html`<span class="amount">${words.size(each.size)}</span>`}
    </li>`)}
  </ul>`;
}

function Folder({ node, open }) {
  const [shown, setShown] = useState(open);
  return html`<li><details open=${shown} onToggle=${(event) => setShown(event.target.open)}>
    <summary><${Icon} name="folder" /><span class="path">${node.name}</span>
      <span class="amount">${tn("{count} action", "{count} actions", node.count)}</span></summary>
    ${shown && html`<${Branch} node=${node} open=${open} />`}
  </details></li>`;
}
