// Speaking with the program. The token is in this module's memory, and nowhere else.

import { t } from "/language.js";
let token = null;

export class Refusal extends Error {
  // `status` is HTTP's, 0 where nobody answered. `said` is all of the answer, and `help` in it a
  // word for what would help.
  constructor(status, why, said = {}) {
    super(why);
    this.status = status;
    this.said = said;
    this.help = said.help;
  }
}

// Screens of the places that the tray icon and notices lead to; all others are on the first one.
const PLACES = {
  add: "#/add", conflicts: "#/conflicts", explain: "#/explain", trash: "#/trash",
};

// Where this tab was led to: {at, drive, path}, or null. Told once.
export function takePlace() {
  const place = history.state;
  history.replaceState(null, "");
  return place;
}

export const isKnown = () => token !== null;

// Exchanges the ticket in the address for a token; the ticket leaves the address at once, so that
// neither the history nor a copied address has it.
export async function enter() {
  const found = /^#ticket=([\w-]+)(?:&at=([\w-]+)\/(.*))?$/.exec(location.hash);
  if (!found) return;
  const [drive, path] = (found[3] || "").split("/").map(decodeURIComponent);
  const place = found[2] ? { at: found[2], drive, path } : null;
  history.replaceState(place, "", location.pathname + (PLACES[found[2]] || ""));
  token = null;
  token = (await call("token", { ticket: found[1] })).token;
}

async function ask(path, body, signal) {
  const headers = { "content-type": "application/json" };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(`/api/${path}`, {
      method: "POST", headers, signal, body: JSON.stringify(body),
      cache: "no-store", credentials: "omit", redirect: "error",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, t("syncin-mount does not answer"));
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  if (response.status === 401) token = null;
  throw new Refusal(response.status, said.why || t("it was not done"), said);
}

// One question, one answer. Raises Refusal.
export async function call(path, body = {}, signal = undefined) {
  return (await ask(path, body, signal)).json();
}

// An answer that is a file of the media type that the program says. Raises Refusal.
export async function blob(path, body, signal) {
  return (await ask(path, body, signal)).blob();
}

// Gives `onLine` each line of an answer that goes on; returns when it ends. Raises Refusal.
export async function stream(path, body, onLine, signal) {
  const response = await ask(path, body, signal);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line) onLine(JSON.parse(line));
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, t("syncin-mount does not answer"));
  }
}
