// Whether all is well: what was checked, with what helps; the logs, and a report for a bug.

import { useEffect, useState } from "preact/hooks";
import { call, stream } from "/api.js";
import { Wrong } from "/assistant_parts.js";
import { EndHung } from "/end_hung.js";
import { t, tn } from "/language.js";
import { Bar, Button, Icon, act, html, notice } from "/parts.js";
import { Choice, useAnswer, useNames } from "/rows.js";
import { useStore } from "/store.js";
import * as words from "/words.js";

const LEVELS = [
  ["debug", t("Everything")], ["info", t("What happened")], ["warning", t("What went wrong")],
  ["error", t("Errors")],
];
const SIGNS = { fine: "check", note: "eye", wrong: "alert" };
const SAID = { fine: t("In order"), note: t("To be noted"), wrong: t("Wrong") };

export function Health() {
  useStore();
  return html`
    <div class="title"><div><h1>${t("Health")}</h1></div></div>
    <div class="settings"><${Checks} /><${Logs} /></div>`;
}

function Checks() {
  const [found, setFound] = useState([]);
  const [busy, setBusy] = useState(true);
  const [why, setWhy] = useState(null);
  const [run, setRun] = useState(0);
  const [ends, setEnds] = useState(null);
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
    <div class="part-head"><h2 id="checks-title">${t("Checks")}</h2>
      <div class="actions"><${Button} icon="sync" disabled=${busy} onClick=${again}>
        ${t("Check again")}<//>
        <${Report} /></div></div>
    <p aria-live="polite">${busy ? t("This computer, the servers and the drives are looked at…")
      : wrong ? tn("{count} thing out of order", "{count} things out of order",
        wrong) : t("All is in order.")}</p>
    ${busy && html`<${Bar} part=${null} label=${t("Checking")} />`}
    <${Wrong}>${why}<//>
    <ul class="checks">${sorted.map((each, at) => html`<li key=${at} class=${each.state}>
      <span class="mark"><${Icon} name=${SIGNS[each.state]} /></span>
      <span class="what path"><span class="hidden">${SAID[each.state]}: </span>${each.said}</span>
      ${each.remedy === "mount" && html`<${Button} icon="play" onClick=${async () => {
        if (await act("mount", { name: each.about })) again();
      }}>${t("Mount")}<//>`}
      ${each.remedy === "end_hung" && html`<${Button} icon="alert"
        onClick=${() => setEnds(each.about)}>${t("End and mount again…")}<//>`}
      ${each.state === "wrong" && each.remedy === "account" && html`<a class="button"
        href="#/settings">${t("Accounts")}</a>`}
    </li>`)}</ul>
    ${ends && html`<${EndHung} name=${ends} onDone=${again} onClose=${() => setEnds(null)} />`}
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
      notice(tn(
        "The report has {count} part. Names are replaced; look at it before you send it anywhere",
        "The report has {count} parts. Names are replaced; look at it before you send it anywhere",
        parts.length));
    } catch (error) {
      notice(error.message);
    }
    setBusy(false);
  };
  return html`<${Button} icon="down" disabled=${busy} onClick=${make}>${t("Make a report")}<//>`;
}

function Logs() {
  const names = useNames();
  const [name, setName] = useState("");
  const [level, setLevel] = useState("info");
  const body = { names: name ? [name] : [], level, most: 200 };
  const [found, again] = useAnswer("logs", body, [name, level]);
  return html`<section class="sheet part" aria-labelledby="logs-title">
    <div class="part-head"><h2 id="logs-title">${t("Logs")}</h2>
      <div class="actions">
        <${Choice} label=${t("Whose")} value=${name} onValue=${setName}
          options=${[["", t("All")], ...names.map((each) => [each, each])]} />
        <${Choice} label=${t("How urgent")} value=${level} onValue=${setLevel} options=${LEVELS} />
        <${Button} icon="sync" kind="round" aria-label=${t("Read again")}
          onClick=${again} /></div></div>
    ${found && !found.lines.length && html`<p class="small">
      ${t("Nothing like that is logged.")}</p>`}
    <ul class="log" aria-label=${t("The last lines")} tabindex="0">
      ${found && found.lines.map((each, at) => html`<li key=${at} class=${each.level}>
        <span class="small">${each.time === null ? "" : words.moment(each.time)}
          ${` ${each.name} ${each.level === "info" ? "" : each.level}`}</span>
        <span class="path">${each.said} <span class="small">${each.more}</span></span></li>`)}
    </ul>
  </section>`;
}
