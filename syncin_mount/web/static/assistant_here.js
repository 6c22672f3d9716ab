// The assistant's first step: the folder on this computer.

import { useEffect, useState } from "preact/hooks";
import { call } from "/api.js";
import { Heading, NewFolder, Text, Wrong } from "/assistant_parts.js";
import { t, tn } from "/language.js";
import { Button, Icon, html } from "/parts.js";

export function HereStep({ folder, refused, onFolder, onBack }) {
  const [place, setPlace] = useState(null);
  const [typed, setTyped] = useState("");
  const [why, setWhy] = useState(refused);
  const [making, setMaking] = useState(null);
  const take = (found) => {
    setPlace(found);
    setTyped(found.short);
    setWhy(found.why);
    setMaking(null);
    return found;
  };
  const open = async (path) => {
    try {
      return take(await call("assistant/here", { path }));
    } catch (error) {
      setWhy(error.message);
      return null;
    }
  };
  useEffect(() => {
    open(folder || null).then((found) => found && refused && setWhy(refused));
  }, []);
  const make = async (event) => {
    event.preventDefault();
    try {
      take(await call("assistant/here/make", { path: place.shown, name: making.name }));
    } catch (error) {
      setMaking({ ...making, why: error.message });
    }
  };
  const go = async () => {
    const found = typed === place.short ? place : await open(typed);
    if (found && !found.why) onFolder(found);
  };
  const look = (event) => {
    event.preventDefault();
    open(typed);
  };
  return html`
    <${Heading}>${t("Where is the drive to appear on this computer?")}<//>
    <p class="small">${t("In a new or empty folder; or in one with files, which become the "
      + "drive's.")}</p>
    ${place === null ? html`<${Wrong}>${why}<//>` : html`
      <form onSubmit=${look}><${Text} id="folder" label=${t("Folder")} required value=${typed}
        onValue=${setTyped} hint=${!why && typed === place.short && meaning(place)} why=${why}
        maxlength="4096"
        beside=${html`<button type="submit" class="button">${t("Open")}</button>`} /></form>
      <section class="chooser" aria-label=${t("Folders on this computer")}>
        <div class="chooser-head">
          <${Crumbs} path=${place.shown} home=${place.home} onOpen=${open} />
          <${Button} icon="plus" onClick=${() => setMaking({ name: "", why: null })}>
            ${t("New folder")}<//>
        </div>
        ${making && html`<${NewFolder} name=${making.name} why=${making.why} onMake=${make}
          onName=${(name) => setMaking({ name, why: null })} onClose=${() => setMaking(null)} />`}
        <${Folders} place=${place} onOpen=${open} />
      </section>`}
    <footer>
      ${onBack && html`<${Button} onClick=${onBack}>${t("Back")}<//>`}
      ${place && html`<${Button} kind="main" onClick=${go}>${t("Continue")}<//>`}
    </footer>`;
}

function meaning(place) {
  if (!place.exists) return t("It is not there yet, and will be made.");
  if (!place.holds) return t("It is empty.");
  return t("It holds files. They become the drive's; what becomes of each is shown before.");
}

// From the home folder, where that is on the way.
function Crumbs({ path, home, onOpen }) {
  const names = path.split("/").filter(Boolean);
  const all = names.map((name, at) => [name, `/${names.slice(0, at + 1).join("/")}`]);
  const from = all.findIndex(([, at]) => at === home);
  const shown = from < 0 ? all : [[t("Home"), home], ...all.slice(from + 1)];
  const places = [[t("Computer"), "/"], ...shown];
  return html`<nav class="crumbs" aria-label=${t("Where you are")}>
    ${places.map(([name, at], place) =>
    html`<button type="button" key=${at} class="item crumb" onClick=${() => onOpen(at)}
      aria-current=${place === places.length - 1 ? "true" : undefined}>${name}</button>`)}
  </nav>`;
}

function Folders({ place, onOpen }) {
  if (place.trouble) return html`<p class="aside">${place.trouble}</p>`;
  if (!place.folders.length) return html`<p class="aside">${t("No folders in it.")}</p>`;
  return html`<ul class="folders">${place.folders.map((each) => html`<li key=${each.path}>
      <button type="button" class="item folder ${each.why ? "no" : ""}"
        onClick=${() => onOpen(each.path)}>
        <${Icon} name="folder" /><span class="path">${each.name}</span>
        ${each.why && html`<span class="why">${each.why}</span>`}</button></li>`)}
    ${place.more > 0 && html`<li class="aside">${tn(
      "and {count} more: type the path of the one that you want",
      "and {count} more: type the path of the one that you want", place.more)}</li>`}
  </ul>`;
}
