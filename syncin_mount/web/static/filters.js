// What a synchronization leaves out: rules, and what each would do to what is here now.

import { useEffect, useState } from "preact/hooks";
import { call, stream } from "/api.js";
import { Wrong } from "/assistant_parts.js";
import { rich, t, tn } from "/language.js";
import { Bar, Button, Dialog, Icon, act, html } from "/parts.js";
import { useAnswer } from "/rows.js";
import * as words from "/words.js";

const EXPERT = "expert";
const KINDS = [
  ["path", t("One file or folder")], ["starts-with", t("The path starts with")],
  ["contains", t("The path contains")], ["ends-with", t("The path ends with")],
  [EXPERT, t("Expert")],
];
const SAID = {
  path: t("The file or folder"), "starts-with": t("Paths that start with"),
  contains: t("Paths that contain"), "ends-with": t("Paths that end with"),
  regexp: t("Paths that fit the expression"),
};
const HINTS = {
  path: t("Its path in the drive, as docs/old."),
  "starts-with": t("From the top of the drive, as drafts/2019."),
  contains: t("Anywhere in the path, as backup."),
  "ends-with": t("As .bak for all files of this kind."),
  [EXPERT]: t("With wildcards, as *.tmp or build/**, or as regexp:^build/.*[.]o$."),
};
const PAUSE_MS = 300;
const FEW = 8;

// What would change: {busy, found, why}, asked for a moment after the last key.
function useTrial(name, add, remove) {
  const key = JSON.stringify([add, remove]);
  const [state, setState] = useState({ key: null });
  useEffect(() => {
    if (!name || (!add.length && !remove.length)) return undefined;
    const stopping = new AbortController();
    const tell = (more) => setState({ key, ...more });
    const timer = setTimeout(() => stream("filters/try", { name, add, remove }, (line) => {
      tell(line.event === "tried" ? { found: line } : { why: line.why });
    }, stopping.signal).catch((error) => {
      if (error.name !== "AbortError") tell({ why: error.message });
    }), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stopping.abort();
    };
  }, [name, key]);
  return state.key === key ? state : { busy: true };
}

// A rule as it is stored, in words.
export function RuleText({ rule }) {
  return html`<span class="rule-text">${SAID[rule.kind]} <code>${rule.text}</code></span>`;
}

// A rule that is typed or chosen; `trial` draws what it would do, `onAdd` is given the rule.
export function NewRule({ name = null, onAdd, id }) {
  const [kind, setKind] = useState("ends-with");
  const [text, setText] = useState("");
  const [choosing, setChoosing] = useState(false);
  const [refused, setRefused] = useState(null);
  const rule = text.trim() && (kind === EXPERT ? text.trim() : `${kind}:${text.trim()}`);
  const trial = useTrial(name, rule ? [rule] : [], []);
  const why = refused || (rule && trial.why);
  const go = async () => {
    if (!rule || why) return;
    try {
      await onAdd(rule);
      setText("");
      setRefused(null);
    } catch (error) {
      setRefused(error.message);
    }
  };
  const type = (value) => {
    setText(value);
    setRefused(null);
  };
  const key = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // of the form around it
    go();
  };
  return html`<div class="new-rule" role="group" aria-label=${t("A new rule")}>
    <div class="rule-fields">
      <label class="field"><span>${t("Leave out")}</span>
        <select value=${kind} onChange=${(event) => {
          setKind(event.target.value);
          setRefused(null);
        }}>${KINDS.map(([word, label]) => html`<option key=${word} value=${word}
          selected=${word === kind}>${label}</option>`)}</select></label>
      <label class="field rule-field"><span>${kind === EXPERT ? t("Rule") : t("Text")}</span>
        <input value=${text} maxlength="1000" spellcheck=${false} autocapitalize="none"
          aria-describedby=${`${id}-hint`} aria-invalid=${why ? "true" : undefined}
          onKeyDown=${key} onInput=${(event) => type(event.target.value)} /></label>
      ${name && kind === "path" && html`<${Button} icon="folder"
        onClick=${() => setChoosing(true)}>${t("Choose…")}<//>`}
      <${Button} kind=${name ? "main" : ""} disabled=${!rule || Boolean(why)}
        onClick=${go}>${t("Add")}<//>
    </div>
    <p class="small" id=${`${id}-hint`}>${HINTS[kind]}</p>
    <${Wrong}>${why}<//>
    ${name && rule && !why && html`<${Effect} trial=${trial} />`}
    ${choosing && html`<${ChoosePath} name=${name} onClose=${() => setChoosing(false)}
      onPath=${(path) => {
        type(path);
        setChoosing(false);
      }} />`}
  </div>`;
}

// What a rule would do to what is here, as soon as it is known.
function Effect({ trial }) {
  const { found } = trial;
  const kept = found && found.rules[0];
  return html`<div class="effect" aria-live="polite">
    ${!found && html`<${Bar} part=${null} label=${t("Looking through the drive")} />`}
    ${found && html`<${Out} portion=${found.trial.out} trial=${found.trial} />`}
    ${kept && kept.kind === "regexp" && html`<p class="small">${rich("It is kept as {pattern}",
      { pattern: html`<code class="path">${kept.pattern}</code>` })}</p>`}
  </div>`;
}

const amount = ({ files, folders, bytes }) => {
  const size = words.size(bytes);
  const counted = tn("{count} file ({size})", "{count} files ({size})", files, { size });
  return folders ? tn("{files} and {count} folder", "{files} and {count} folders", folders,
    { files: counted }) : counted;
};

function Out({ portion, trial }) {
  if (!portion.files && !portion.folders) {
    return html`<p>${trial.whole ? t("Nothing that is here now fits.")
      : t("Nothing that is here now fits so far.")}</p>`;
  }
  return html`
    <p>${rich("Of what is here now, this leaves out {amount}:",
      { amount: html`<b>${amount(portion)}</b>` })}</p>
    <${Examples} portion=${portion} />
    <p class="small">${t("They stay where they are, here and on the server; from then on, each "
      + "side goes on with its own.")}</p>
    ${portion.pending > 0 && html`<p class="note"><${Icon} name="alert" /><span>
      ${tn("{count} change in there would not be uploaded any more.",
        "{count} changes in there would not be uploaded any more.", portion.pending)}</span>
      </p>`}
    <${Partly} trial=${trial} />`;
}

function Again({ trial }) {
  const { again: portion } = trial;
  if (!portion.files && !portion.folders) {
    return html`<p>${t("Nothing that is here now was left out by it alone.")}</p>`;
  }
  return html`
    <p>${rich("{amount} of what is here would be synchronized again:",
      { amount: html`<b>${amount(portion)}</b>` })}</p>
    <${Examples} portion=${portion} />
    <p class="small">${t("Both sides are compared and come together: what is on one side alone "
      + "comes to the other, also what was deleted there meanwhile.")}</p>
    <${Partly} trial=${trial} />`;
}

function Examples({ portion }) {
  const { examples } = portion;
  return html`<ul class="problems">${examples.slice(0, FEW).map((each) => html`
    <li key=${each.path} class="example"><${Icon} name=${each.folder ? "folder" : "file"} />
      <span class="path">${each.path}</span>
      ${!each.folder && html`<span class="amount">${words.size(each.size)}</span>`}</li>`)}
    ${examples.length > FEW && html`<li class="small">${t("and more")}</li>`}</ul>`;
}

const Partly = ({ trial }) => !trial.whole && html`<p class="note">${tn(
  "The drive is large: the first {count} file or folder was looked at.",
  "The drive is large: the first {count} files and folders were looked at.", trial.looked)}</p>`;

// Rules for a synchronization that is not there yet, as they are typed.
export function RulesToBe({ rules, onRules }) {
  const [read, setRead] = useState([]);
  const show = async (wanted) => {
    setRead(wanted.length ? (await call("filters/read", { rules: wanted })).rules : []);
    onRules(wanted);
  };
  useEffect(() => {
    if (rules.length) show(rules);
  }, []);
  return html`<fieldset class="choices filters-of"><legend>${t("What is left out")}</legend>
    ${read.length > 0 && html`<ul class="rules" aria-label=${t("Rules")}>
      ${read.map((rule, at) => html`
      <li key=${rule.pattern} class="rule"><${RuleText} rule=${rule} />
        <${Button} icon="trash" kind="round" aria-label=${t("Remove {rule}", { rule: rule.text })}
          onClick=${() => show(rules.filter((_, other) => other !== at))} /></li>`)}</ul>`}
    <${NewRule} id="rule-to-be" onAdd=${(rule) => (rules.includes(rule) ? null
      : show([...rules, rule]))} />
  </fieldset>`;
}

// The rules of a synchronization.
export function Filters({ name }) {
  const [found, again] = useAnswer("filters", { name }, [name]);
  const [going, setGoing] = useState(null);
  const rules = found ? found.rules : [];
  useEffect(() => setGoing(null), [name]);
  const remove = async (rule) => {
    if (await act("filters/change", { name, remove: [rule.pattern] })) {
      setGoing(null);
      again();
    }
  };
  const add = async (rule) => {
    await call("filters/change", { name, add: [rule] });
    again();
  };
  return html`<div class="filters-of">
    ${found && !rules.length && html`<p class="small">${t("Nothing is left out but names that no "
      + "synchronization has, as .DS_Store and Thumbs.db.")}</p>`}
    ${rules.length > 0 && html`<ul class="rules" aria-label=${t("Rules")}>
      ${rules.map((rule) => html`
      <li key=${rule.pattern}>
        <div class="rule"><${RuleText} rule=${rule} />
          <${Button} icon="trash" kind="round" aria-label=${t("Remove {rule}…",
            { rule: rule.text })}
            aria-expanded=${going === rule.pattern}
            onClick=${() => setGoing(going === rule.pattern ? null : rule.pattern)} /></div>
        ${going === rule.pattern && html`<${Removing} name=${name} rule=${rule}
          onRemove=${() => remove(rule)} onClose=${() => setGoing(null)} />`}
      </li>`)}</ul>`}
    <${NewRule} key=${name} id="new-rule" name=${name} onAdd=${add} />
  </div>`;
}

function Removing({ name, rule, onRemove, onClose }) {
  const { found, why } = useTrial(name, [], [rule.pattern]);
  return html`<div class="effect" aria-live="polite">
    ${!found && !why && html`<${Bar} part=${null} label=${t("Looking through the drive")} />`}
    ${found && html`<${Again} trial=${found.trial} />`}
    <${Wrong}>${why}<//>
    <div class="actions"><${Button} onClick=${onClose}>${t("Keep it")}<//>
      <${Button} kind="main" onClick=${onRemove}>${t("Remove the rule")}<//></div>
  </div>`;
}

export function FiltersDialog({ name, onClose }) {
  return html`<${Dialog} title=${t("What {name} leaves out", { name })} onClose=${onClose} wide>
    <div class="content"><${Filters} name=${name} /></div>
    <footer><${Button} onClick=${onClose}>${t("Close")}<//></footer>
  <//>`;
}

// A file or folder of the drive, folder by folder.
function ChoosePath({ name, onPath, onClose }) {
  const [path, setPath] = useState("");
  const [found, setFound] = useState(null);
  const [why, setWhy] = useState(null);
  useEffect(() => {
    const stopping = new AbortController();
    setFound(null);
    setWhy(null);
    call("filters/folder", { name, path }, stopping.signal).then(setFound, (error) => {
      if (error.name !== "AbortError") setWhy(error.message);
    });
    return () => stopping.abort();
  }, [name, path]);
  const parts = path.split("/").filter(Boolean);
  return html`<section class="chooser" aria-label=${t("Files and folders of the drive")}
      onKeyDown=${(event) => event.key === "Escape" && (event.preventDefault(), onClose())}>
    <div class="chooser-head">
      <nav class="crumbs" aria-label=${t("Where you are")}>
        ${[name, ...parts].map((part, at) => html`<button type="button" key=${at} class="item crumb"
          aria-current=${at === parts.length ? "true" : undefined}
          onClick=${() => setPath(parts.slice(0, at).join("/"))}>${part}</button>`)}</nav>
      ${path && html`<${Button} onClick=${() => onPath(path)}>${t("This folder")}<//>`}
      <${Button} icon="close" kind="round" aria-label=${t("Close the list")} onClick=${onClose} />
    </div>
    <${Wrong}>${why}<//>
    <ul class="folders">
      ${!found && !why && html`<li class="aside">${t("One moment…")}</li>`}
      ${found && !found.entries.length && html`<li class="aside">${t("Nothing is in it.")}</li>`}
      ${found && found.entries.map((each) => {
        const inside = path ? `${path}/${each.name}` : each.name;
        const folder = each.kind === "folder";
        return html`<li key=${each.name}><button type="button" class="item folder"
          onClick=${() => (folder ? setPath(inside) : onPath(inside))}>
          <${Icon} name=${folder ? "folder" : "file"} /><span class="path">${each.name}</span>
          <span class="why">${folder ? "" : words.size(each.size)}</span></button></li>`;
      })}
    </ul>
  </section>`;
}
