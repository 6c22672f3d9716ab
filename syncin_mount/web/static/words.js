// Values as people read them. Pure.

export const plural = (count, one, many = `${one}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

// Bytes: "1.4 MiB".
export function size(bytes) {
  let unit = 0;
  let rest = bytes;
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(1)} ${UNITS[unit]}`;
}

// Seconds: "8 s", "4 min", "2 h 10 min", "3 d".
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.round(hours / 24)} d`;
}

const DAY = { weekday: "short", day: "numeric", month: "short" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };

// Seconds since the epoch: "just now", "4 min ago", "14:03", "Mon, 3 Mar, 14:03".
export function moment(seconds, now = Date.now() / 1000) {
  if (seconds === null || seconds === undefined) return "never";
  const ago = now - seconds;
  if (ago >= 0 && ago < 45) return "just now";
  if (ago >= 0 && ago < 3600) return `${Math.max(1, Math.round(ago / 60))} min ago`;
  if (ago < 0 && ago > -3600) return `in ${duration(-ago)}`;
  const then = new Date(seconds * 1000);
  const clock = then.toLocaleTimeString("en-GB", CLOCK);
  if (then.toDateString() === new Date(now * 1000).toDateString()) return clock;
  return `${then.toLocaleDateString("en-GB", DAY)}, ${clock}`;
}

// "14:03", "tomorrow, 06:00", "Mon, 3 Mar, 14:03".
export function day(seconds, now = Date.now() / 1000) {
  const then = new Date(seconds * 1000).toDateString();
  const today = new Date(now * 1000);
  if (then === today.toDateString()) return clock(seconds);
  today.setDate(today.getDate() + 1);
  if (then === today.toDateString()) return `tomorrow, ${clock(seconds)}`;
  return `${new Date(seconds * 1000).toLocaleDateString("en-GB", DAY)}, ${clock(seconds)}`;
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB", CLOCK);

// By the program's word for the state: what people read, and its colour.
const STATES = {
  idle: ["Up to date", "good"],
  syncing: ["Syncing", "busy"],
  downloading: ["Downloading", "busy"],
  waits_for_turn: ["Queued", "calm"],
  waiting: ["Waiting", "calm"],
  paused: ["Paused", "calm"],
  offline: ["Offline", "warn"],
  failed: ["Failed", "bad"],
  halted: ["Needs you", "bad"],
  refused: ["Needs you", "bad"],
  problems: ["Needs you", "bad"],
  unmounted: ["Not mounted", "calm"],
};
const PHASES = { starting: ["Starting", "busy"], stopping: ["Stopping", "busy"] };

// A card's state: a word and a colour.
export function stateOf(card) {
  if (card.error) return ["Unknown", "bad"];
  if (!card.status) return PHASES[card.phase] || ["Starting", "busy"];
  if (!card.enabled && !card.status.mounted) return ["Disabled", "calm"];
  if (card.status.state === "unmounted" && card.phase === "waiting") return ["Failed", "bad"];
  return STATES[card.status.state] || ["Unknown", "bad"];
}

// How much of how much, or null where that is not known.
export function share(work) {
  if (!work) return null;
  if (work.phase === "checksums" || work.phase === "comparing") {
    return work.to_compare ? [work.compared, work.to_compare] : null;
  }
  if (work.phase !== "carrying" && work.phase !== "fetching") return null;
  if (work.bytes) return [work.bytes_done, work.bytes];
  if (work.files) return [work.files_done, work.files];
  return work.actions ? [work.actions_done, work.actions] : null;
}

// What the work is at: "12 of 340 files · 0.9 of 2.0 GiB · 3 min left".
export function progress(work) {
  if (work.phase === "listing") return `Listing · ${plural(work.entries, "entry", "entries")}`;
  if (work.phase === "checksums" || work.phase === "comparing") {
    const who = work.phase === "checksums" ? "The server counts checksums" : "Comparing contents";
    return `${who} · ${work.compared} of ${work.to_compare}`;
  }
  if (work.phase === "starting") return "Starting";
  const parts = [];
  if (work.files) parts.push(`${work.files_done} of ${plural(work.files, "file")}`);
  else if (work.actions) parts.push(`${work.actions_done} of ${plural(work.actions, "change")}`);
  if (work.bytes) parts.push(`${size(work.bytes_done)} of ${size(work.bytes)}`);
  if (work.speed) parts.push(`${size(work.speed)}/s`);
  if (work.left !== null && work.left !== undefined) parts.push(`${duration(work.left)} left`);
  return parts.join(" · ") || "Working";
}

const HALTS = {
  unregistered: "The server does not have this synchronization any more",
  disabled: "It was disabled on the account page",
  "root gone": "Its folder is not on the server any more",
};

// The line below a card's name.
export function headline(card) {
  const { status } = card;
  if (card.error) return card.error;
  if (!status) return card.phase === "stopping" ? "The drive is being unmounted" : "One moment";
  switch (status.state) {
    case "paused": return status.paused_until
      ? `Nothing is transferred until ${day(status.paused_until)}`
      : "Nothing is transferred until you resume it";
    case "halted": return HALTS[status.halt] || "A safety rule stopped it, and waits for your word";
    case "refused": return status.refused;
    case "offline": {
      const since = status.offline_since ? ` since ${moment(status.offline_since)}` : "";
      return `The server is away${since}; changes are kept here and uploaded later`;
    }
    case "unmounted": {
      if (card.disabled_there) return "It was disabled on the account page; changes are kept here";
      if (!card.enabled) return "It is left out, and nothing of it is transferred";
      return card.why || "Changes are kept, and uploaded once it is mounted";
    }
    case "waits_for_turn": return "Another drive's run goes first";
    case "syncing":
    case "downloading": return status.work ? progress(status.work) : "Working";
    case "failed": return status.failed;
    case "problems": {
      const count = status.problems.filter((each) => each.lasting).length;
      return `${plural(count, "file or folder", "files and folders")} cannot go on alone`;
    }
    case "waiting": return `${plural(status.problems.length, "problem")}; tried again by itself`;
    default:
      if (status.waiting) return `${plural(status.waiting, "change")} for the server`;
      return status.known ? "Both sides are the same" : "The folder is empty";
  }
}

// How a run that was started here ended.
export function ending(run) {
  if (run.said) return run.said;
  const parts = [];
  if (run.done) parts.push(plural(run.done, "change"));
  if (run.fetched) parts.push(plural(run.fetched, "download"));
  if (run.bytes) parts.push(size(run.bytes));
  if (run.conflicts) parts.push(plural(run.conflicts, "conflict"));
  if (run.failed + run.waiting) parts.push(`${run.failed + run.waiting} left`);
  return parts.length ? `Synced: ${parts.join(", ")}` : "Synced: nothing to do";
}

// By direction: the sign between the two folders, and its meaning.
export const DIRECTIONS = {
  both: ["⇄", "Both directions"],
  upload: ["→", "Upload only"],
  download: ["←", "Download only"],
};

const VERBS = {
  send: "Upload", fetch: "Download", make: "New folder", move: "Move", delete: "Delete",
  touch: "Set time",
};
const SIDES = { local: "here", remote: "on the server" };

export const side = (name) => SIDES[name] || name;

// A planned action: "Delete on the server".
export function action(op, where) {
  if (op === "send" || op === "fetch") return VERBS[op];
  return `${VERBS[op] || op} ${side(where)}`;
}
