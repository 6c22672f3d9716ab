// Lists that may be long, and what chooses what is in them.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { call, takePlace } from "/api.js";
import { t } from "/language.js";
import { Empty, html, notice } from "/parts.js";
import { AGAIN_MS, useStore, visible } from "/store.js";

const ROW_PX = 60;
const BEYOND = 8;

// Browsers know no element that is much higher. A list that would be is as high as this, and a
// pixel of its scroll bar leads over several.
const MOST_PX = 12_000_000;

function scaleOf(count) {
  const whole = count * ROW_PX;
  return whole > MOST_PX ? (whole - innerHeight) / (MOST_PX - innerHeight) : 1;
}

const placeOf = (number, shift) => ({ transform: `translateY(${number * ROW_PX + shift}px)` });

// Draws the rows that are seen, and some beside; `onEnd` is called as the last ones come near.
export function Rows({ label, items, row, onEnd }) {
  const box = useRef(null);
  const [seen, setSeen] = useState([0, 30, 0]);
  const scale = scaleOf(items.length);
  const known = useRef(scale);
  const look = () => {
    const top = -box.current.getBoundingClientRect().top;
    const at = Math.max(0, top) * scale;
    const first = Math.max(0, Math.floor(at / ROW_PX) - BEYOND);
    const last = first + Math.ceil(innerHeight / ROW_PX) + 2 * BEYOND;
    const next = [first, last, scale === 1 ? 0 : top - at];
    setSeen((now) => (next.every((each, part) => each === now[part]) ? now : next));
    if (last >= items.length && onEnd) onEnd();
  };
  useLayoutEffect(() => {
    if (known.current !== scale) {
      // The same rows stay in view.
      const top = -box.current.getBoundingClientRect().top;
      if (top > 0) scrollBy(0, (top * known.current) / scale - top);
      known.current = scale;
    }
    look();
  }, [items]);
  // At once, as what a scroll meant would be judged by the former items until then.
  useLayoutEffect(() => {
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [items, onEnd]);
  const [first, last, shift] = seen;
  return html`<ul class="rows" aria-label=${label} ref=${box}
      style=${{ height: `${Math.min(items.length * ROW_PX, MOST_PX)}px` }}>
    ${items.slice(first, last).map((item, at) => html`<li class="row" key=${first + at}
      aria-setsize=${items.length} aria-posinset=${first + at + 1}
      style=${placeOf(first + at, shift)}>${row(item)}</li>`)}
  </ul>`;
}

const PORTION = 4;

// How many of so many are drawn: a portion more with each frame, so that the page answers
// meanwhile.
export function usePortions(count) {
  const [drawn, setDrawn] = useState(PORTION);
  useEffect(() => {
    if (drawn >= count) return undefined;
    const frame = requestAnimationFrame(() => setDrawn(drawn + PORTION));
    return () => cancelAnimationFrame(frame);
  }, [drawn, count]);
  return drawn;
}

// The names of all synchronizations, in their order.
export function useNames() {
  const { program } = useStore();
  return program ? program.order : [];
}

export function Choice({ label, value, onValue, options }) {
  return html`<label class="choice"><span class="hidden">${label}</span>
    <select value=${value} onChange=${(event) => onValue(event.target.value)}>
      ${options.map(([key, text]) => html`<option key=${key} value=${key}
        selected=${key === value}>${text}</option>`)}
    </select></label>`;
}

// Which synchronization a screen is about; the first one at first.
export function useDrive(first = null) {
  const names = useNames();
  const [name, setName] = useState(() => first || (takePlace() || {}).drive || null);
  const chosen = names.includes(name) ? name : names[0];
  const choice = names.length > 1 && html`<${Choice} label=${t("Synchronization")} value=${chosen}
    onValue=${setName} options=${names.map((each) => [each, each])} />`;
  return [chosen, choice];
}

const MOST_AGAIN_MS = 30_000;

// Makes a request that failed once more: later after each failure, and only while the page is seen.
// The first failure of several in a row is told.
export class Retry {
  failures = 0;
  due = null;

  // Gives up what is due; a request that begins calls it.
  stop() {
    if (this.due) clearTimeout(this.due.timer);
    this.due = null;
  }

  succeed() {
    this.failures = 0;
  }

  fail(error, ask) {
    if (!this.failures) notice(error.message);
    if (error.status === 401) return; // the page asks for a new ticket
    const due = {};
    due.timer = setTimeout(async () => {
      await visible();
      if (this.due === due) ask();
    }, Math.min(AGAIN_MS * 2 ** this.failures, MOST_AGAIN_MS));
    this.failures += 1;
    this.due = due;
  }
}

// An answer of the program, asked for again whenever `keys` differ; [answer, ask again]. The
// answer is null before it is there, and after a refusal, which is told. Where nobody answers, the
// request is made again until somebody does. What asking again returns is fulfilled as soon as a
// request made since then has its answer, or failed.
export function useAnswer(path, body, keys) {
  const [found, setFound] = useState(null);
  const [asked, setAsked] = useState(0);
  const last = useRef(0);
  const waiting = useRef([]);
  const retry = useRef(new Retry()).current;
  useEffect(() => {
    if (body === null) return undefined;
    const stopping = new AbortController();
    const number = last.current;
    const answered = () => {
      waiting.current = waiting.current.filter(([asks, done]) => asks > number || done());
    };
    call(path, body, stopping.signal).then((answer) => {
      retry.succeed();
      setFound(answer);
      answered();
    }, (error) => {
      if (error.name === "AbortError") return;
      if (error.status === 0) retry.fail(error, again);
      else notice(error.message);
      answered();
    });
    return () => {
      retry.stop();
      stopping.abort();
    };
  }, [asked, ...keys]);
  const again = () => {
    last.current += 1;
    setAsked(last.current);
    return new Promise((done) => waiting.current.push([last.current, done]));
  };
  return [found, again];
}

// Values that a person changes at once: [what is shown, set]. What was set is shown until `send`
// ends, which asks again before it does; so neither an older answer nor another reason to draw
// takes it back meanwhile. Changes are sent in their order.
export function useChanges(known, send) {
  const [wanted, setWanted] = useState({});
  const before = useRef(Promise.resolve());
  const set = (change) => {
    const keys = Object.keys(change);
    setWanted((now) => ({ ...now, ...Object.fromEntries(keys.map((key) => [key, change])) }));
    before.current = before.current.then(() => send(change)).finally(() => {
      setWanted((now) => Object.fromEntries(
        Object.entries(now).filter(([, latest]) => latest !== change)));
    });
  };
  const shown = { ...known };
  for (const [key, change] of Object.entries(wanted)) shown[key] = change[key];
  return [shown, set];
}

// What a screen shows where there is nothing that it could be about.
export function NoDrives({ title }) {
  return html`<h1 class="hidden">${title}</h1>
    <${Empty} icon="cloud" title=${t("No synchronizations yet")}
      action=${html`<a class="button main" href="#/add">${t("Add the first one")}</a>`}>
    ${t("Choose a folder on your Sync-in server, and have it here as a drive that is kept in "
      + "step.")}<//>`;
}

// What is chosen of a list, by key: [keys, whether it is, turn it, none any more].
export function useChosen() {
  const [chosen, setChosen] = useState(new Set());
  const turn = (key) => setChosen((now) => {
    const next = new Set(now);
    if (!next.delete(key)) next.add(key);
    return next;
  });
  return [chosen, turn, (keys) => setChosen(new Set(keys))];
}

export function Tick({ label, checked, onTurn }) {
  return html`<label class="tick"><span class="hidden">${label}</span>
    <input type="checkbox" checked=${checked} onChange=${onTurn} /></label>`;
}
