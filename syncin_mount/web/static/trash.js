// What was deleted or lost, here and on the server: restored, or removed for good.

import { useEffect, useRef, useState } from "preact/hooks";
import { Bar, Button, Dialog, Empty, Icon, act, html, notice } from "/parts.js";
import { Choice, NoDrives, Rows, Tick, useAnswer, useChosen, useDrive } from "/rows.js";
import { useStore } from "/store.js";
import * as words from "/words.js";

const WHERE = [["here", "On this computer"], ["server", "On the server"]];
const VERBS = {
  restore: ["Restoring", "restored"],
  empty: ["Deleting for good", "deleted for good"],
};
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
  if (!name) return html`<${NoDrives} />`;
  // A list of its own for each, so that nothing of one is ever shown or chosen as another's.
  return html`<${List} key=${`${where} ${name}`} name=${name} where=${where}
    path=${start.path || ""} choices=${html`${choice}<${Choice} label="Which trash"
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
    for (const part of parts(some, AT_ONCE[where])) {
      setWork({ verb, done, count: some.length });
      if (stops.current || !(await act(`trash/${verb}`, { name, entries: part }))) break;
      done += part.length;
    }
    notice(`${done} of ${words.plural(some.length, "entry", "entries")} ${VERBS[verb][1]}`);
    choose([]);
    setWork(null);
    again();
  };
  return html`
    <div class="title"><div><h1>Trash</h1>
      <p>${found ? counted(found) : "One moment…"}</p></div>${choices}</div>
    ${work && html`<${Work} work=${work} onStop=${() => { stops.current = true; }} />`}
    ${found && found.count > 0 && html`
      <div class="bar-of-actions">
        <label class="check"><input type="checkbox" checked=${all}
          onChange=${() => choose(all ? [] : keys)} />
          ${some.length ? ` ${some.length} chosen` : " Choose all"}</label>
        <${Button} icon="undo" disabled=${work || !some.length}
          onClick=${() => change("restore")}>Restore<//>
        <${Button} icon="trash" disabled=${work || !some.length}
          onClick=${() => setAsks(true)}>Delete for good…<//>
        <label class="search"><span class="hidden">Search</span><${Icon} name="search" />
          <input type="search" placeholder="Search" value=${search}
            onInput=${(event) => setSearch(event.target.value)} /></label>
      </div>
      <${Rows} label="Trash" items=${entries} row=${(each) => html`
        <${Tick} label=${each.path} checked=${chosen.has(each.entry)}
          onTurn=${() => turn(each.entry)} />
        <span class="mark"><${Icon} name=${each.folder ? "folder" : "file"} /></span>
        <span class="what"><span class="path" title=${each.path}>${each.path}</span>
          <span class="why">${each.why}${each.folder
            ? ` · ${words.plural(each.files, "file")}` : ""}</span></span>
        <span class="end"><span>${words.moment(each.time)}</span>
          <span class="amount">${words.size(each.size)}</span></span>`} />
      ${!entries.length && html`<p class="note">Nothing here has “${search}” in its path.</p>`}`}
    ${found && !found.count && html`<${Empty} icon="trash" title="The trash is empty">
      Deleted files and versions that lost a conflict come here.<//>`}
    ${asks && html`<${Dialog} title=${`Delete ${words.plural(some.length, "entry", "entries")}?`}
        onClose=${() => setAsks(false)}>
      <div class="content"><p>They are gone for good then${where === "server"
        ? ", for all your devices" : ""}.</p></div>
      <footer><${Button} onClick=${() => setAsks(false)}>Cancel<//>
        <${Button} kind="main" onClick=${() => change("empty")}>Delete for good<//>
      </footer><//>`}`;
}

function counted(found) {
  const count = words.plural(found.count, "entry", "entries");
  const listed = found.entries.length;
  return listed < found.count ? `${count}, of which the newest ${listed} are listed` : count;
}

function Work({ work, onStop }) {
  const { verb, done, count } = work;
  return html`<section class="sheet emptying" aria-label=${VERBS[verb][0]}>
    <div><span>${VERBS[verb][0]}: ${done} of ${words.plural(count, "entry", "entries")}.
      ${" "}It stops when you leave this screen.</span>
      <${Button} icon="stop" onClick=${onStop}>Stop<//></div>
    <${Bar} part=${done / count} label=${VERBS[verb][0]} />
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
