// Whether all is well: what was checked, with what helps; the logs, and a report for a bug.

import { useEffect, useState } from "preact/hooks";
import { call, stream } from "/api.js";
import { Wrong } from "/assistant_parts.js";
import { Bar, Button, Icon, act, html, notice } from "/parts.js";
import { Choice, useAnswer, useNames } from "/rows.js";
import { useStore } from "/store.js";
import * as words from "/words.js";

const LEVELS = [
  ["debug", "Everything"], ["info", "What happened"], ["warning", "What went wrong"],
  ["error", "Errors"],
];
const SIGNS = { fine: "check", note: "eye", wrong: "alert" };
const SAID = { fine: "In order", note: "To be noted", wrong: "Wrong" };

export function Health() {
  useStore();
  return html`
    <div class="title"><div><h1>Health</h1></div></div>
    <div class="settings"><${Checks} /><${Logs} /></div>`;
}

function Checks() {
  const [found, setFound] = useState([]);
  const [busy, setBusy] = useState(true);
  const [why, setWhy] = useState(null);
  const [run, setRun] = useState(0);
  useEffect(() => {
    const stopping = new AbortController();
    setFound([]);
    setBusy(true);
    setWhy(null);
    stream("health", {}, (line) => setFound((now) => [...now, line]), stopping.signal)
      .then(() => setBusy(false), (error) => {
        if (error.name === "AbortError") return;
        setWhy(error.message);
        setBusy(false);
      });
    return () => stopping.abort();
  }, [run]);
  const wrong = found.filter((each) => each.state === "wrong").length;
  const order = ["wrong", "note", "fine"];
  const sorted = [...found].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const again = () => setRun((number) => number + 1);
  return html`<section class="sheet part" aria-labelledby="checks-title">
    <div class="part-head"><h2 id="checks-title">Checks</h2>
      <div class="actions"><${Button} icon="sync" disabled=${busy} onClick=${again}>Check again<//>
        <${Report} /></div></div>
    <p aria-live="polite">${busy ? "This computer, the servers and the drives are looked at…"
      : wrong ? `${words.plural(wrong, "thing")} out of order` : "All is in order."}</p>
    ${busy && html`<${Bar} part=${null} label="Checking" />`}
    <${Wrong}>${why}<//>
    <ul class="checks">${sorted.map((each, at) => html`<li key=${at} class=${each.state}>
      <span class="mark"><${Icon} name=${SIGNS[each.state]} /></span>
      <span class="what path"><span class="hidden">${SAID[each.state]}: </span>${each.said}</span>
      ${each.remedy === "mount" && html`<${Button} icon="play" onClick=${async () => {
        if (await act("mount", { name: each.about })) again();
      }}>Mount<//>`}
      ${each.state === "wrong" && each.said.startsWith("server ") && html`<a class="button"
        href="#/settings">Accounts</a>`}
    </li>`)}</ul>
  </section>`;
}

// The archive is made here, and saved by the browser.
function Report() {
  const [busy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    try {
      const { name, data, parts } = await call("report");
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes], { type: "application/gzip" }));
      link.download = name;
      link.click();
      URL.revokeObjectURL(link.href);
      notice(`The report has ${words.plural(parts.length, "part")}. Names are replaced; look at it`
        + " before you send it to anybody");
    } catch (error) {
      notice(error.message);
    }
    setBusy(false);
  };
  return html`<${Button} icon="down" disabled=${busy} onClick=${make}>Make a report<//>`;
}

function Logs() {
  const names = useNames();
  const [name, setName] = useState("");
  const [level, setLevel] = useState("info");
  const body = { names: name ? [name] : [], level, most: 200 };
  const [found, again] = useAnswer("logs", body, [name, level]);
  return html`<section class="sheet part" aria-labelledby="logs-title">
    <div class="part-head"><h2 id="logs-title">Logs</h2>
      <div class="actions">
        <${Choice} label="Whose" value=${name} onValue=${setName}
          options=${[["", "All"], ...names.map((each) => [each, each])]} />
        <${Choice} label="How urgent" value=${level} onValue=${setLevel} options=${LEVELS} />
        <${Button} icon="sync" kind="round" aria-label="Read again" onClick=${again} /></div></div>
    ${found && !found.lines.length && html`<p class="small">Nothing like that is logged.</p>`}
    <ul class="log" aria-label="The last lines" tabindex="0">
      ${found && found.lines.map((each, at) => html`<li key=${at} class=${each.level}>
        <span class="small">${each.time === null ? "" : words.moment(each.time)}
          ${` ${each.name} ${each.level === "info" ? "" : each.level}`}</span>
        <span class="path">${each.said} <span class="small">${each.more}</span></span></li>`)}
    </ul>
  </section>`;
}
