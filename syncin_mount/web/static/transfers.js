// What was transferred, and what failed; above it what is under way.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { call } from "/api.js";
import { t } from "/language.js";
import { Bar, Empty, Icon, html } from "/parts.js";
import { Choice, NoDrives, Retry, Rows, useNames } from "/rows.js";
import { cardsInOrder, useStore } from "/store.js";
import * as words from "/words.js";

const DAY_S = 86_400;
const ACTIONS = [
  ["", t("All actions")], ["send", t("Uploads")], ["fetch", t("Downloads")],
  ["delete", t("Deletions")],
  ["move", t("Moves")], ["make", t("New folders")], ["touch", t("Times")],
];
const SIDES = [["", t("Both sides")], ["local", t("Here")], ["remote", t("On the server")]];
const TIMES = [["0", t("Any time")], ["1", t("Last day")], ["7", t("Last week")],
["30", t("Last month")]];
const ICONS = {
  send: "up", fetch: "down", make: "folder", move: "move", delete: "trash", touch: "clock",
};

export function Transfers() {
  useStore();
  const names = useNames();
  const [name, setName] = useState("");
  const [op, setOp] = useState("");
  const [side, setSide] = useState("");
  const [days, setDays] = useState("0");
  const [failed, setFailed] = useState(false);
  const [search, setSearch] = useState("");
  const chosen = names.includes(name) ? [name] : names;
  const query = {
    names: chosen, failed, op: op || null, side: side || null, search: search || null,
    since: Number(days) ? Math.floor(Date.now() / 60_000) * 60 - Number(days) * DAY_S : null,
  };
  if (!names.length) return html`<${NoDrives} title=${t("Transfers")} />`;
  return html`
    <div class="title"><div><h1>${t("Transfers")}</h1>
      <p>${t("What was carried across, and what failed")}</p></div></div>
    <${UnderWay} names=${chosen} />
    <div class="filters" role="search">
      <label class="search"><span class="hidden">
        ${t("Search in paths")}</span><${Icon} name="search" />
        <input type="search" placeholder=${t("Search in paths")} value=${search}
          onInput=${(event) => setSearch(event.target.value)} /></label>
      ${names.length > 1 && html`<${Choice} label=${t("Synchronization")} value=${name}
        onValue=${setName} options=${[["", t("All")], ...names.map((each) => [each, each])]} />`}
      <${Choice} label=${t("Action")} value=${op} onValue=${setOp} options=${ACTIONS} />
      <${Choice} label=${t("Side")} value=${side} onValue=${setSide} options=${SIDES} />
      <${Choice} label=${t("Time")} value=${days} onValue=${setDays} options=${TIMES} />
      <label class="check"><input type="checkbox" checked=${failed}
        onChange=${() => setFailed(!failed)} /> ${t("Failed only")}</label>
    </div>
    <${History} query=${query} key=${JSON.stringify({ ...query, since: days })} />`;
}

function UnderWay({ names }) {
  const busy = cardsInOrder().filter((each) => names.includes(each.name)
    && each.status && each.status.work && each.status.work.transfers.length);
  if (!busy.length) return null;
  return html`<section class="sheet" aria-label=${t("Under way")}>${busy.flatMap((card) =>
    card.status.work.transfers.map((each) => html`<div class="under-way"
        key=${`${card.name}/${each.path}`}>
      <${Icon} name=${ICONS[each.op] || "file"} />
      <span class="path">${each.path}</span>
      <span class="amount">${words.partOf(words.size(each.done),
        words.size(each.size))}${each.left === null ? "" : ` · ${words.left(each.left)}`}</span>
      <${Bar} part=${each.size ? each.done / each.size : null} label=${each.path} />
    </div>`))}</section>`;
}

// Whenever a run ended, there may be something new.
const lastRuns = () => cardsInOrder().map((each) => each.status
  && `${each.status.last_run} ${each.status.waiting} ${each.status.absent}`).join();

// The rows so far, as `Rows` takes them. They are never copied: of a million, each of four hundred
// copies would have 8 MB, and clearing them away held the page up.
const soFar = (all) => ({
  length: all.length, slice: (first, last) => all.slice(first, last),
});

function History({ query }) {
  const [rows, setRows] = useState(null);
  const all = useRef([]);
  const next = useRef(null);
  const asking = useRef(null);
  const retry = useRef(new Retry()).current;
  const ask = async (before) => {
    retry.stop();
    if (asking.current) asking.current.abort();
    const mine = new AbortController();
    asking.current = mine;
    try {
      const page = await call("transfers", { ...query, before }, mine.signal);
      retry.succeed();
      next.current = page.before;
      if (!Object.keys(before).length) all.current = [];
      all.current.push(...page.rows);
      setRows(soFar(all.current));
    } catch (error) {
      // At the list's end nothing scrolls, and so nothing else would ask again.
      if (error.name !== "AbortError") retry.fail(error, () => ask(before));
    }
    if (asking.current === mine) asking.current = null;
  };
  const runs = lastRuns();
  useEffect(() => {
    if (scrollY < 400) ask({});
    return undefined;
  }, [runs]);
  useEffect(() => () => {
    retry.stop();
    if (asking.current) asking.current.abort();
  }, []);
  const more = useCallback(() => {
    if (next.current && !asking.current) ask(next.current);
  }, []);
  if (rows === null) return html`<p class="waits">${t("One moment…")}</p>`;
  if (!rows.length) {
    return html`<${Empty} icon="sync" title=${t("Nothing here")}>
      ${t("No transfer fits what is chosen above.")}<//>`;
  }
  const several = query.names.length > 1;
  return html`<${Rows} label=${t("Transfers")} items=${rows} onEnd=${more}
    row=${(each) => html`<${Line} each=${each} several=${several} />`} />`;
}

function Line({ each, several }) {
  const bad = each.result !== "done";
  const facts = [words.action(each.op, each.side), several && each.synchronization,
    bad ? each.why || each.result : each.seconds >= 1 && words.duration(each.seconds)];
  return html`<span class="mark ${bad ? "bad" : ""}">
      <${Icon} name=${bad ? "alert" : ICONS[each.op] || "file"} /></span>
    <span class="what"><span class="path" title=${each.path}>${each.path}
      ${each.new_path ? ` → ${each.new_path}` : ""}</span>
      <span class="why ${bad ? "is-bad" : ""}">${facts.filter(Boolean).join(" · ")}</span></span>
    <span class="end"><span>${words.moment(each.time)}</span>
      <span class="amount">${each.size ? words.size(each.size) : ""}</span></span>`;
}
