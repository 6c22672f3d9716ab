// What was deleted or lost, here and on the server: restored, or removed for good.

import { useEffect, useRef, useState } from "preact/hooks";
import { number, t, tn } from "/language.js";
import { Bar, Button, Dialog, Empty, Icon, act, html, notice } from "/parts.js";
import { Choice, NoDrives, Rows, Tick, useAnswer, useChosen, useDrive } from "/rows.js";
import { useStore } from "/store.js";
import * as words from "/words.js";

const WHERE = [["here", t("On this computer")], ["server", t("On the server")]];
const VERBS = { restore: t("Restoring"), empty: t("Deleting for good") };
const ended = (verb, done, count) => (verb === "restore"
  ? tn("{done} of {count} entry restored", "{done} of {count} entries restored", count,
    { done: number(done) })
  : tn("{done} of {count} entry deleted for good", "{done} of {count} entries deleted for good",
    count, { done: number(done) }));
// Of one request: as many as a moment takes, and no more than a request may say.
const AT_ONCE = { here: 100, server: 20 };
const LETTERS_AT_ONCE = 15_000;

let wanted = null;

// Has the screen, opened next, look for a path in the server's trash.
export function lookInTrash(drive, path) {
  wanted = { drive, path };
}

export function Trash() {
  useStore();
  const [start] = useState(() => {
    const found = wanted || {};
    wanted = null;
    return found;
  });
  const [name, choice] = useDrive(start.drive);
  const [where, setWhere] = useState(start.path ? "server" : "here");
  if (!name) return html`<${NoDrives} title=${t("Trash")} />`;
  // A list of its own for each, so that nothing of one is ever shown or chosen as another's.
  return html`<${List} key=${`${where} ${name}`} name=${name} where=${where}
    path=${start.path || ""} choices=${html`${choice}<${Choice} label=${t("Which trash")}
      value=${where} options=${WHERE} onValue=${setWhere} />`} />`;
}

function List({ name, where, path, choices }) {
  const [search, setSearch] = useState(path);
  const [chosen, turn, choose] = useChosen();
  const [asks, setAsks] = useState(false);
  const [work, setWork] = useState(null);
  const stops = useRef(false);
  const [found, again] = useAnswer("trash", { name, server: where === "server" }, []);
  useEffect(() => () => { stops.current = true; }, []);
  const letters = search.toLowerCase();
  const entries = (found ? found.entries : [])
    .filter((each) => each.path.toLowerCase().includes(letters));
  const keys = entries.map((each) => each.entry);
  const some = keys.filter((each) => chosen.has(each));
  const all = keys.length > 0 && some.length === keys.length;
  const change = async (verb) => {
    setAsks(false);
    stops.current = false;
    let done = 0;
    let failed = false;
    for (const part of parts(some, AT_ONCE[where])) {
      setWork({ verb, done, count: some.length });
      // Why it goes no further is told instead of how far it got, which the list shows.
      if (!stops.current && !(await act(`trash/${verb}`, { name, entries: part }))) failed = true;
      if (stops.current || failed) break;
      done += part.length;
    }
    if (!failed) notice(ended(verb, done, some.length));
    choose([]);
    setWork(null);
    again();
  };
  return html`
    <div class="title"><div><h1>${t("Trash")}</h1>
      <p>${found ? counted(found) : t("One moment…")}</p></div>${choices}</div>
    ${work && html`<${Work} work=${work} onStop=${() => { stops.current = true; }} />`}
    ${found && found.count > 0 && html`
      <div class="bar-of-actions">
        <label class="check"><input type="checkbox" checked=${all}
          onChange=${() => choose(all ? [] : keys)} />
          ${" "}${words.chosen(some.length)}</label>
        <${Button} icon="undo" disabled=${work || !some.length}
          onClick=${() => change("restore")}>${t("Restore")}<//>
        <${Button} icon="trash" disabled=${work || !some.length}
          onClick=${() => setAsks(true)}>${t("Delete for good…")}<//>
        <label class="search"><span class="hidden">${t("Search")}</span><${Icon} name="search" />
          <input type="search" placeholder=${t("Search")} value=${search}
            onInput=${(event) => setSearch(event.target.value)} /></label>
      </div>
      <${Rows} label=${t("Trash")} items=${entries} row=${(each) => html`
        <${Tick} label=${each.path} checked=${chosen.has(each.entry)}
          onTurn=${() => turn(each.entry)} />
        <span class="mark"><${Icon} name=${each.folder ? "folder" : "file"} /></span>
        <span class="what"><span class="path" title=${each.path}>${each.path}</span>
          <span class="why">${each.why}${each.folder
            ? ` · ${words.files(each.files)}` : ""}</span></span>
        <span class="end"><span>${words.moment(each.time)}</span>
          <span class="amount">${words.size(each.size)}</span></span>`} />
      ${!entries.length && html`<p class="note">${
        t("Nothing here has “{text}” in its path.", { text: search })}</p>`}`}
    ${found && !found.count && html`<${Empty} icon="trash" title=${t("The trash is empty")}>
      ${t("Deleted files and versions that lost a conflict come here.")}<//>`}
    ${asks && html`<${Dialog}
        title=${tn("Delete {count} entry?", "Delete {count} entries?", some.length)}
        onClose=${() => setAsks(false)}>
      <div class="content"><p>${where === "server"
        ? t("They are gone for good then, for all your devices.")
        : t("They are gone for good then.")}</p></div>
      <footer><${Button} onClick=${() => setAsks(false)}>${t("Cancel")}<//>
        <${Button} kind="main" onClick=${() => change("empty")}>${t("Delete for good")}<//>
      </footer><//>`}`;
}

function counted(found) {
  const listed = found.entries.length;
  return listed < found.count
    ? t("{count} entries, of which the newest {listed} are listed",
      { count: number(found.count), listed: number(listed) })
    : words.entries(found.count);
}

function Work({ work, onStop }) {
  const { verb, done, count } = work;
  return html`<section class="sheet emptying" aria-label=${VERBS[verb]}>
    <div><span>${tn("{verb}: {done} of {count} entry. It stops when you leave this screen.",
      "{verb}: {done} of {count} entries. It stops when you leave this screen.", count,
      { verb: VERBS[verb], done: number(done) })}</span>
      <${Button} icon="stop" onClick=${onStop}>${t("Stop")}<//></div>
    <${Bar} part=${done / count} label=${VERBS[verb]} />
  </section>`;
}

// The keys in parts: what is done of one is done, and each request is short.
function parts(keys, most) {
  const found = [[]];
  let letters = 0;
  for (const key of keys) {
    if (found[0].length >= most || (letters && letters + key.length > LETTERS_AT_ONCE)) {
      found.unshift([]);
      letters = 0;
    }
    found[0].push(key);
    letters += key.length;
  }
  return found.reverse();
}
