// Values as people read them. Pure.

import { locale, number, t, tn } from "/language.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const rounded = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(locale, {
  minimumFractionDigits: 1, maximumFractionDigits: 1,
});

// Bytes: "1.4 MiB".
export function size(bytes) {
  let unit = 0;
  let rest = bytes;
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${(unit === 0 || rest >= 100 ? rounded : tenths).format(rest)} ${UNITS[unit]}`;
}

// Seconds: "8 s", "4 min", "2 h 10 min", "3 d".
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return t("{seconds} s", { seconds: whole });
  const all = Math.round(whole / 60);
  if (all < 60) return t("{minutes} min", { minutes: all });
  const hours = Math.floor(all / 60);
  const minutes = all % 60;
  if (hours >= 24) return t("{days} d", { days: Math.round(hours / 24) });
  return minutes ? t("{hours} h {minutes} min", { hours, minutes }) : t("{hours} h", { hours });
}

const DAY = { weekday: "short", day: "numeric", month: "short" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };

// Seconds since the epoch: "just now", "4 min ago", "14:03", "Mon, 3 Mar, 14:03".
export function moment(seconds, now = Date.now() / 1000) {
  if (seconds === null || seconds === undefined) return t("never");
  const ago = now - seconds;
  if (ago >= 0 && ago < 45) return t("just now");
  if (ago >= 0 && ago < 3600) {
    return t("{minutes} min ago", { minutes: Math.max(1, Math.round(ago / 60)) });
  }
  if (ago < 0 && ago > -3600) return t("in {time}", { time: duration(-ago) });
  const then = new Date(seconds * 1000);
  const clock = then.toLocaleTimeString(locale, CLOCK);
  if (then.toDateString() === new Date(now * 1000).toDateString()) return clock;
  return `${then.toLocaleDateString(locale, DAY)}, ${clock}`;
}

// "14:03", "tomorrow, 06:00", "Mon, 3 Mar, 14:03".
export function day(seconds, now = Date.now() / 1000) {
  const then = new Date(seconds * 1000).toDateString();
  const today = new Date(now * 1000);
  if (then === today.toDateString()) return clock(seconds);
  today.setDate(today.getDate() + 1);
  if (then === today.toDateString()) return t("tomorrow, {time}", { time: clock(seconds) });
  return `${new Date(seconds * 1000).toLocaleDateString(locale, DAY)}, ${clock(seconds)}`;
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString(locale, CLOCK);

// By the program's word for the state: what people read, and its colour.
const STATES = {
  idle: [t("Up to date"), "good"],
  syncing: [t("Syncing"), "busy"],
  downloading: [t("Downloading"), "busy"],
  waits_for_turn: [t("Queued"), "calm"],
  waiting: [t("Waiting"), "calm"],
  paused: [t("Paused"), "calm"],
  offline: [t("Offline"), "warn"],
  failed: [t("Failed"), "bad"],
  halted: [t("Needs you"), "bad"],
  refused: [t("Needs you"), "bad"],
  problems: [t("Needs you"), "bad"],
  unmounted: [t("Not mounted"), "calm"],
};
const PHASES = { starting: [t("Starting"), "busy"], stopping: [t("Stopping"), "busy"] };

// A card's state: a word and a colour.
export function stateOf(card) {
  if (card.checking) return [t("Checking"), "busy"];
  if (card.hangs) return [t("Does not answer"), "bad"];
  if (card.error) return [t("Unknown"), "bad"];
  if (!card.status) return PHASES[card.phase] || [t("Starting"), "busy"];
  if (!card.enabled && !card.status.mounted) return [t("Disabled"), "calm"];
  if (card.status.state === "unmounted" && card.phase === "waiting") return [t("Failed"), "bad"];
  return STATES[card.status.state] || [t("Unknown"), "bad"];
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

// "0.9 MiB of 2.0 GiB".
export const partOf = (done, all) => t("{done} of {all}", { done, all });

// Seconds: "3 min left".
export const left = (seconds) => t("{time} left", { time: duration(seconds) });

// What the work is at: "12 of 340 files · 0.9 of 2.0 GiB · 3 min left".
export function progress(work) {
  if (work.phase === "listing") {
    return tn("Listing · {count} entry", "Listing · {count} entries", work.entries);
  }
  if (work.phase === "checksums" || work.phase === "comparing") {
    const values = { done: number(work.compared), all: number(work.to_compare) };
    return work.phase === "checksums"
      ? t("The server counts checksums · {done} of {all}", values)
      : t("Comparing contents · {done} of {all}", values);
  }
  if (work.phase === "starting") return t("Starting");
  const parts = [];
  if (work.files) {
    parts.push(tn("{done} of {count} file", "{done} of {count} files", work.files,
      { done: number(work.files_done) }));
  } else if (work.actions) {
    parts.push(tn("{done} of {count} change", "{done} of {count} changes", work.actions,
      { done: number(work.actions_done) }));
  }
  if (work.bytes) parts.push(partOf(size(work.bytes_done), size(work.bytes)));
  if (work.speed) parts.push(`${size(work.speed)}/s`);
  if (work.left !== null && work.left !== undefined) parts.push(left(work.left));
  return parts.join(" · ") || t("Working");
}

const HALTS = {
  unregistered: t("The server does not have this synchronization any more"),
  disabled: t("It was disabled on the account page"),
  "root gone": t("Its folder is not on the server any more"),
};

// The line below a card's name.
export function headline(card) {
  const { status } = card;
  if (card.checking) return t("Its local copy is checked, and the drive is away meanwhile");
  if (card.error) return card.error;
  if (!status) {
    return card.phase === "stopping" ? t("The drive is being unmounted") : t("One moment");
  }
  switch (status.state) {
    case "paused": return status.paused_until
      ? t("Nothing is transferred until {time}", { time: day(status.paused_until) })
      : t("Nothing is transferred until you resume it");
    case "halted": return HALTS[status.halt] || t("A safety rule stopped it, and waits for your "
      + "word");
    case "refused": return status.refused;
    case "offline": {
      return status.offline_since
        ? t("The server is away since {time}; changes are kept here and uploaded later",
          { time: moment(status.offline_since) })
        : t("The server is away; changes are kept here and uploaded later");
    }
    case "unmounted": {
      if (card.disabled_there) return t("It was disabled on the account page; changes are kept "
        + "here");
      if (!card.enabled) return t("It is left out, and nothing of it is transferred");
      return card.why || t("Changes are kept, and uploaded once it is mounted");
    }
    case "waits_for_turn": return t("Another drive's run goes first");
    case "syncing":
    case "downloading": return status.work ? progress(status.work) : t("Working");
    case "failed": return status.failed;
    case "problems": {
      const count = status.problems.filter((each) => each.lasting).length;
      return tn("{count} file or folder cannot go on alone",
        "{count} files and folders cannot go on alone", count);
    }
    case "waiting": return tn("{count} problem; tried again by itself",
      "{count} problems; tried again by themselves", status.problems.length);
    default:
      if (status.waiting) {
        return tn("{count} change for the server", "{count} changes for the server",
          status.waiting);
      }
      return status.known ? t("Both sides are the same") : t("The folder is empty");
  }
}

// How a run that was started here ended.
export function ending(run) {
  if (run.said) return run.said;
  const parts = [];
  if (run.done) parts.push(tn("{count} change", "{count} changes", run.done));
  if (run.fetched) parts.push(tn("{count} download", "{count} downloads", run.fetched));
  if (run.bytes) parts.push(size(run.bytes));
  if (run.conflicts) parts.push(tn("{count} conflict", "{count} conflicts", run.conflicts));
  const rest = run.failed + run.waiting;
  if (rest) parts.push(tn("{count} left over", "{count} left over", rest));
  return parts.length ? t("Synced: {what}", { what: parts.join(", ") })
    : t("Synced: nothing to do");
}

// By direction: the sign between the two folders, and its meaning.
export const DIRECTIONS = {
  both: ["⇄", t("Both directions")],
  upload: ["→", t("Upload only")],
  download: ["←", t("Download only")],
};

const ACTIONS = {
  send: [t("Upload"), t("Upload")],
  fetch: [t("Download"), t("Download")],
  make: [t("New folder here"), t("New folder on the server")],
  move: [t("Move here"), t("Move on the server")],
  delete: [t("Delete here"), t("Delete on the server")],
  touch: [t("Set time here"), t("Set time on the server")],
};

// A planned action: "Delete on the server".
export const action = (op, where) => (ACTIONS[op] || [op, op])[where === "local" ? 0 : 1];

const KINDS = { folder: t("folder"), other: t("neither file nor folder") };

export const kind = (word) => KINDS[word] || word;

// How many of a list are chosen, beside the box that chooses all.
export const chosen = (count) => (count ? tn("{count} chosen", "{count} chosen", count)
  : t("Choose all"));

export const entries = (count) => tn("{count} entry", "{count} entries", count);
export const files = (count) => tn("{count} file", "{count} files", count);
export const filesAndFolders = (count) =>
  tn("{count} file or folder", "{count} files and folders", count);
