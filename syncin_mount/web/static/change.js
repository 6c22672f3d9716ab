// A synchronization gets other settings or another name, or is removed.

import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "/api.js";
import { Choice, Consent, Text, Wrong } from "/assistant_parts.js";
import { CHOICES, Schedule } from "/assistant_settings.js";
import { t } from "/language.js";
import { Bar, Button, Dialog, Icon, act, html, notice } from "/parts.js";

// A dialog whose button has the program do `path`; what it refuses is told in it.
function Asking({ title, word, path, body, ready = true, onClose, children }) {
  const [why, setWhy] = useState(null);
  const [busy, setBusy] = useState(false);
  const go = async (event) => {
    event.preventDefault();
    setBusy(true);
    setWhy(null);
    try {
      const { but } = await call(path, body);
      if (but) notice(but);
      onClose(true);
    } catch (error) {
      setWhy(error.message);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form class="asking" onSubmit=${go}>
    ${children}<${Wrong}>${why}<//>${busy && html`<${Bar} part=${null} label=${t("At work")} />`}
    <footer><${Button} onClick=${() => onClose(false)}>${t("Cancel")}<//>
      <button type="submit" class="button main" disabled=${busy || !ready}>${word}</button></footer>
  </form><//>`;
}

export function Rename({ name, onClose }) {
  const [wanted, setWanted] = useState(name);
  return html`<${Asking} title=${t("Rename {name}", { name })} word=${t("Rename")} path="rename"
      body=${{ name, new: wanted }} onClose=${onClose}>
    <${Text} id="new-name" label=${t("New name")} required maxlength="200" value=${wanted}
      onValue=${setWanted} hint=${t("All else stays. A mounted drive is away for a moment.")} />
  <//>`;
}

export function Edit({ card, onClose }) {
  const { name } = card;
  const [now, setNow] = useState(null);
  const [before, setBefore] = useState(null);
  const [why, setWhy] = useState(null);
  useEffect(() => {
    call("settings", { name }).then((found) => {
      setNow(found);
      setBefore(found.mountpoint);
    }, (error) => setWhy(error.message));
  }, []);
  const moves = now && now.mountpoint !== before;
  const body = now && { ...now, mountpoint: moves ? now.mountpoint : null };
  const mounted = Boolean(card.status && card.status.mounted);
  return html`<${Asking} title=${t("Settings of {name}", { name })} word=${t("Save")} path="edit"
      ready=${now}
      body=${{ name, ...body }} onClose=${onClose}><${Wrong}>${why}<//>
    ${now && html`
      ${CHOICES.map(([key, title, options]) => html`<${Choice} key=${key} name=${key}
        title=${title} value=${now[key]} options=${options}
        onValue=${(value) => setNow({ ...now, [key]: value })} />`)}
      <${Schedule} value=${now.every} onValue=${(every) => setNow({ ...now, every })} />
      <${Text} id="mountpoint" label=${t("Folder on this computer")} required maxlength="4096"
        value=${now.mountpoint} onValue=${(mountpoint) => setNow({ ...now, mountpoint })}
        hint=${t("An empty or new folder. The one that is there stays, and is empty then.")} />
      ${moves && mounted && html`<p class="note"><${Icon} name="alert" /><span>${
        t("The drive is unmounted for a moment: close what is open in {folder}.", card)
      }</span></p>`}`}
  <//>`;
}

// It is unmounted to be looked into; who does not remove it then, has it mounted again.
export function Remove({ card, onClose }) {
  const { name } = card;
  const [found, setFound] = useState(null);
  const [why, setWhy] = useState(null);
  const [keep, setKeep] = useState("");
  const [agreed, setAgreed] = useState(false);
  const looking = useRef(null);
  const mounted = useState(Boolean(card.status && card.status.mounted))[0];
  useEffect(() => {
    looking.current = call("remove/look", { name })
      .then(setFound, (error) => setWhy(error.message));
  }, []);
  const close = (done) => {
    if (done !== true && mounted) looking.current.then(() => act("mount", { name }));
    onClose();
  };
  const lost = found && (found.lost.length > 0 || found.trouble);
  const kept = keep.trim();
  return html`<${Asking} title=${t("Remove {name}", { name })} word=${t("Remove")} path="remove"
      ready=${found}
      body=${found && { look: found.look, keep: kept || null }} onClose=${close}>
    <p>${t("The drive and its local copy go. Nothing on the server is deleted.")}</p>
    <${Wrong}>${why}<//>
    ${!found && !why && html`<${Bar} part=${null} label=${t("Looking")} />`}
    ${found && !lost && html`<p>${t("The server has all that is in it.")}</p>`}
    ${lost && html`<p><b>${t("Only this computer has:")}</b></p>
      <${Wrong}>${found.trouble}<//>
      ${found.lost.map((each) => html`<div key=${each.what}>
        ${each.what}<ul class="problems">${each.paths.map((path) => html`<li
          class="path">${path}</li>`)}</ul></div>`)}
      <${Text} id="keep" label=${t("Keep all of it in a new folder")} value=${keep}
        onValue=${setKeep}
        placeholder="~/Kept" maxlength="4096" />
      ${!kept && html`<${Consent} checked=${agreed} onChecked=${setAgreed}>
        ${t("Lose it for good")}<//>`}`}
  <//>`;
}
