// The assistant: a server, a folder here, a folder there, settings; then a mounted drive.

import { useState } from "preact/hooks";
import { call, stream } from "/api.js";
import { HereStep } from "/assistant_here.js";
import { Heading } from "/assistant_parts.js";
import { ServerStep } from "/assistant_server.js";
import { DEFAULTS, Review, SettingsStep, Stuck } from "/assistant_settings.js";
import { ThereStep } from "/assistant_there.js";
import { number, t, tn } from "/language.js";
import { Bar, Button, Icon, html, notice } from "/parts.js";
import { useStore } from "/store.js";
import * as words from "/words.js";

const STEPS = [
  ["server", t("Server")], ["here", t("Folder here")], ["there", t("Folder there")],
  ["settings", t("Settings")],
];
// By what a refusal is about: the step where it is put right.
const STEP_OF = {
  url: "server", login: "server", folder: "here", remote: "there", name: "settings",
  every: "settings",
};

// What happens to files, before the first drive; `add` in a terminal says the same.
const WELCOME = [
  t("All your files are on this computer and on your server: you work with them as with any "
    + "others, also without a network."),
  t("What changes here goes to the server by itself, and what changes there comes here."),
  t("When both sides changed a file, one version becomes the file; the other one goes to a "
    + "trash, as deleted files do, and can be brought back."),
];

export function Assistant() {
  const { program } = useStore();
  if (!program) return html`<p class="waits">${t("One moment…")}</p>`;
  return html`<${Steps} servers=${program.servers} isFirst=${!program.order.length} />`;
}

function Steps({ servers, isFirst }) {
  const one = servers.length === 1 ? servers[0].name : null;
  const [step, setStep] = useState(one ? "here" : "server");
  const [server, setServer] = useState(one);
  const [folder, setFolder] = useState(null);
  const [remote, setRemote] = useState(null);
  const [settings, setSettings] = useState(DEFAULTS);
  const [looked, setLooked] = useState(null);
  const [refused, setRefused] = useState(null);
  const [made, setMade] = useState([]);
  const [welcome] = useState(isFirst ? step : null);
  const go = (to) => {
    setRefused(null);
    setStep(to);
  };
  // Leads to where it is put right; false where that is not known.
  const refuse = (error) => {
    const to = STEP_OF[error.said.field];
    if (!to || to === step) return false;
    setRefused({ step: to, why: error.message, error });
    setStep(to);
    return true;
  };
  const why = refused && refused.step === step ? refused.why : null;
  const wanted = { server, folder, remote, settings };
  const chooseServer = (name) => {
    if (name !== server) setRemote(null);
    setServer(name);
    go("here");
  };
  const chooseRemote = (row) => {
    if (remote && row.path !== remote.path) setSettings((now) => ({ ...now, name: "" }));
    setRemote(row);
    go("settings");
  };
  const looks = (found) => {
    setLooked(found);
    go("review");
  };
  const leave = () => {
    if (made.length) notice(t("The new folder {folders} stays on the server",
      { folders: made.join(", ") }));
  };
  const at = step === "review" || step === "start" ? "settings" : step;
  return html`<div class="assistant">
      <div class="title"><div><h1>${t("New synchronization")}</h1></div>
        ${step !== "start" && html`<a class="button" href="#/" onClick=${leave}>
          ${t("Cancel")}</a>`}</div>
      <${Stepper} at=${at} onStep=${step === "start" ? null : go} />
      ${step === welcome && html`<ul class="welcome">${WELCOME.map((each) => html`<li
        key=${each}>${each}</li>`)}</ul>`}
      <div class="sheet step" key=${step}>
        ${step === "server" && html`<${ServerStep} servers=${servers} server=${server}
          refused=${why} onServer=${chooseServer} />`}
        ${step === "here" && html`<${HereStep} folder=${folder && folder.path} refused=${why}
          onFolder=${(found) => {
            setFolder(found);
            go("there");
          }} onBack=${() => go("server")} />`}
        ${step === "there" && html`<${ThereStep} server=${server} remote=${remote && remote.path}
          refused=${why} onRemote=${chooseRemote} onBack=${() => go("here")}
          onMade=${(path) => setMade((now) => [...now, path])} />`}
        ${step === "settings" && html`<${SettingsStep} wanted=${wanted}
          refused=${why && refused.error} onSettings=${setSettings} onRefused=${refuse}
          onLooked=${looks} onBack=${() => go("there")} />`}
        ${step === "review" && html`<${Review} wanted=${wanted} looked=${looked}
          onBack=${() => go("settings")} onStart=${(overfill) => {
            setLooked({ ...looked, overfill });
            go("start");
          }} />`}
        ${step === "start" && html`<${Starting} looked=${looked} onRefused=${refuse}
          onBack=${() => go("settings")} />`}
      </div>
    </div>`;
}

function Stepper({ at, onStep }) {
  const now = STEPS.findIndex(([step]) => step === at);
  return html`<ol class="steps" aria-label=${t("Steps")}>${STEPS.map(([step, label], number) => {
    const done = number < now;
    const mark = html`<span class="number">${done ? html`<${Icon} name="check" />`
      : number + 1}</span>${label}`;
    return html`<li key=${step} class=${done ? "done" : number === now ? "now" : ""}
      aria-current=${number === now ? "step" : undefined}>
      ${done && onStep ? html`<button type="button" onClick=${() => onStep(step)}>${mark}
        <span class="hidden">
          ${t("(done; change it)")}</span></button>` : html`<span>${mark}</span>`}</li>`;
  })}</ol>`;
}

const GOOD = {
  mounted: (name) => t("{name} is mounted", { name }),
  added: (name) => t("{name} is added, and stays disabled", { name }),
};

// It goes on when the tab is closed.
function Starting({ looked, onRefused, onBack }) {
  const [line, setLine] = useState(null);
  const [begun, setBegun] = useState(false);
  const read = (path, body) => stream(path, body, (found) => {
    if (GOOD[found.event] && !found.notes.length && !found.offer_log_in) {
      notice(GOOD[found.event](found.name));
      location.hash = "#/";
    } else if (found.event === "refused" && onRefused({ said: found, message: found.why })) {
      return;
    }
    setLine(found);
  }).catch((error) => setLine({ event: error.status ? "refused" : "lost", why: error.message }));
  const start = () => {
    setLine(null);
    read("assistant/start", { look: looked.look, may_overfill: Boolean(looked.overfill) });
  };
  if (!begun) {
    setBegun(true);
    start();
  }
  if (!line || line.event === "stage") return html`<${Stage} stage=${line} />`;
  const good = GOOD[line.event];
  const bad = !good;
  return html`
    <${Heading}>${bad ? t("It did not come to its end") : good(line.name)}<//>
    ${bad && html`<p class="note bad" role="alert"><${Icon} name="alert" />
      <span>${line.why}</span></p>`}
    ${(line.notes || []).map((each) => html`<p class="note" key=${each}>
      <${Icon} name="alert" /><span>${each}</span></p>`)}
    <${Stuck} files=${line.left} inAll=${line.left_in_all} />
    ${line.offer_log_in && html`<${AtLogin} />`}
    <footer>
      ${line.event === "refused" && html`<${Button} kind="main" onClick=${onBack}>
        ${t("Back to the settings")}<//>`}
      ${line.event === "lost" && html`<${Button} kind="main" onClick=${start}>
        ${t("See how it went")}<//>`}
      ${line.event === "stopped" && html`<${Button} onClick=${() => {
        setLine(null);
        read("assistant/import", { name: line.name });
      }}>${t("Go on")}<//>`}
      ${line.event !== "refused" && html`<a class="button ${line.event === "lost" ? "" : "main"}"
        href="#/">${
        t("To the synchronizations")}</a>`}
    </footer>`;
}

// Offered with the first drive; Settings have it, too.
function AtLogin() {
  const [now, setNow] = useState({});
  const begin = async () => {
    setNow({ busy: true });
    try {
      await call("at-login", { wanted: true });
      setNow({ done: true });
    } catch (error) {
      setNow({ why: error.message });
    }
  };
  if (now.done) {
    return html`<p role="status">${
      t("Your drives are there from every log-in on. Settings change that.")}</p>`;
  }
  return html`<p>${t("Have your drives there from every log-in on, by themselves?")}</p>
    ${now.why && html`<p class="note bad" role="alert"><${Icon} name="alert" />
      <span>${now.why}</span></p>`}
    <p><${Button} onClick=${begin} disabled=${now.busy}>${t("From every log-in on")}<//></p>`;
}

const STAGES = {
  adding: t("Telling the server"), importing: t("Importing your files"),
    mounting: t("Mounting the drive"),
};

export function Stage({ stage }) {
  const isImport = Boolean(stage) && stage.stage === "importing";
  const part = isImport && stage.files_in_all
    ? (stage.bytes + stage.files) / (stage.bytes_in_all + stage.files_in_all) : null;
  return html`
    <${Heading}>${t("One moment")}<//>
    <p role="status">${STAGES[stage ? stage.stage : "adding"]}</p>
    <${Bar} part=${part} label=${t("Progress")} />
    ${isImport && html`<p class="small">${tn(
      "{done} of {count} file or folder · {part}. It goes on when you close this tab.",
      "{done} of {count} files and folders · {part}. It goes on when you close this tab.",
      stage.files_in_all, {
        done: number(stage.files),
        part: words.partOf(words.size(stage.bytes), words.size(stage.bytes_in_all)),
      })}</p>`}`;
}
