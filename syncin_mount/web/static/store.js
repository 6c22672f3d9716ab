// What the page knows: the program, a card for each synchronization, and how the connection is.

import { useLayoutEffect, useState } from "preact/hooks";
import { Refusal, enter, isKnown, stream } from "/api.js";

export const AGAIN_MS = 1500;
const TIMES_MS = 20_000; // "4 min ago" is drawn anew so often
const PORTION = 4; // cards that are drawn in one frame: the page answers meanwhile

export const state = {
  // "entering", "live", "away" (nobody answers; it is tried again), "unknown" (a new ticket)
  connection: "entering",
  why: null,
  program: null,
  cards: new Map(),
};

const listeners = new Set();
const cardListeners = new Map();
const stale = new Set(); // names of cards that changed since they were drawn
const outOfView = new Set(); // names of cards that are drawn after those that somebody sees
let due = false;
let version = 0; // of what is known
let drawn = 0;

// Whatever comes within one frame is drawn once, and many cards in as many frames as they need: of
// those that wait, the latest state is drawn.
function changed() {
  version += 1;
  nextFrame();
}

function nextFrame() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    if (drawn !== version) {
      drawn = version;
      for (const each of listeners) each();
    }
    const waiting = [...stale];
    drawSome(waiting.filter((name) => !outOfView.has(name)).slice(0, PORTION));
    drawSome(waiting.filter((name) => outOfView.has(name)).slice(0, 1));
    if (stale.size) nextFrame();
  });
}

function drawSome(names) {
  for (const name of names) {
    stale.delete(name);
    if (cardListeners.has(name)) cardListeners.get(name)();
  }
}

// A component that uses it is drawn again after each change.
export function useStore() {
  const [drawn, draw] = useState(version);
  useLayoutEffect(() => {
    const listener = () => draw(version);
    listeners.add(listener);
    if (drawn !== version) listener(); // what came before anybody listened
    return () => listeners.delete(listener);
  }, []);
  return state;
}

// A synchronization's card, for the one component that shows it: drawn again when it changed. With
// what tells whether the browser has it in view.
export function useCard(name) {
  const [, draw] = useState(0);
  useLayoutEffect(() => {
    cardListeners.set(name, () => draw((count) => count + 1));
    return () => {
      cardListeners.delete(name);
      outOfView.delete(name);
    };
  }, [name]);
  const onView = ({ skipped }) => (skipped ? outOfView.add(name) : outOfView.delete(name));
  return [state.cards.get(name), onView];
}

export function cardsInOrder() {
  if (!state.program) return [];
  return state.program.order.map((name) => state.cards.get(name)).filter(Boolean);
}

function take(line) {
  if (line.event === "program") state.program = line;
  else if (line.event === "card") {
    state.cards.set(line.name, line);
    stale.add(line.name);
  } else if (line.event === "gone") state.cards.delete(line.name);
  state.connection = "live";
  state.why = null;
  changed();
}

function lost(connection, why = null) {
  state.connection = connection;
  state.why = why;
  changed();
}

export const visible = () => new Promise((go) => {
  if (!document.hidden) go();
  else document.addEventListener("visibilitychange", () => visible().then(go), { once: true });
});

const pause = (ms) => new Promise((go) => setTimeout(go, ms));

let watching = null;

// Reads what changes while the page is seen; hidden, it asks for nothing.
async function watch() {
  for (;;) {
    await visible();
    watching = new AbortController();
    try {
      await stream("watch", {}, take, watching.signal);
      lost("away");
    } catch (error) {
      if (error.name === "AbortError") continue;
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 401) return lost("unknown");
      lost("away");
    }
    await pause(AGAIN_MS);
  }
}

async function begin() {
  try {
    await enter();
  } catch (error) {
    return lost("unknown", error.message);
  }
  if (!isKnown()) return lost("unknown");
  watch();
}

export function start() {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && watching) watching.abort();
  });
  setInterval(() => {
    if (document.hidden) return;
    for (const name of state.cards.keys()) stale.add(name);
    changed();
  }, TIMES_MS);
  // An address with a new ticket, given to this tab.
  addEventListener("hashchange", () => {
    if (!location.hash.startsWith("#ticket=")) return;
    if (watching) watching.abort();
    if (state.connection === "live" || state.connection === "away") location.reload();
    else begin();
  });
  begin();
}
