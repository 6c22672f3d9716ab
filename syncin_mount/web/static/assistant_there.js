// The assistant's second step: the folder on the server, in a tree that is loaded as it is opened.

import { useEffect, useState } from "preact/hooks";
import { call } from "/api.js";
import { Heading, NewFolder, Wrong } from "/assistant_parts.js";
import { t, tn } from "/language.js";
import { Button, Icon, html } from "/parts.js";

const ROOTS = {
  personal: t("your own files"), spaces: t("that you share with others"),
    shares: t("what others gave you"),
};

export function ThereStep({ server, remote, refused, onRemote, onMade, onBack }) {
  const [levels, setLevels] = useState({});
  const [open, setOpen] = useState([]);
  const [chosen, setChosen] = useState(remote);
  const [only, setOnly] = useState("");
  const [making, setMaking] = useState(null);
  const [why, setWhy] = useState(refused);
  const load = async (path) => {
    try {
      const level = await call("assistant/there", { server, path });
      setLevels((now) => ({ ...now, [path]: level }));
      return level;
    } catch (error) {
      setLevels((now) => ({ ...now, [path]: { folders: [], more: 0, why: error.message } }));
      return null;
    }
  };
  const unfold = (path) => {
    setOpen((now) => [...now.filter((each) => each !== path), path]);
    return load(path);
  };
  const fold = (path) => setOpen((now) => now.filter((each) => each !== path));
  // Opens the folders on the way, one by one.
  const follow = async (path) => {
    const parts = path.split("/").filter(Boolean);
    for (let at = 1; at < parts.length; at += 1) {
      if (!await unfold(parts.slice(0, at).join("/"))) return;
    }
  };
  const begin = () => load("").then((found) => {
    if (!found) return null;
    return remote ? follow(remote) : unfold("personal");
  });
  useEffect(() => {
    begin();
  }, []);
  const again = (path) => {
    setLevels((now) => ({ ...now, [path]: undefined }));
    if (path === "") begin();
    else load(path);
  };
  const search = (event) => {
    event.preventDefault();
    const path = only.trim().replace(/^\/+|\/+$/g, "");
    if (!path.includes("/")) return;
    setOnly("");
    follow(path).then(() => setChosen(path));
  };
  const make = async (event) => {
    event.preventDefault();
    const { at, name } = making;
    try {
      const level = await call("assistant/there/make", { server, path: at, name });
      const path = `${at}/${name.trim()}`;
      setLevels((now) => ({ ...now, [at]: level }));
      setMaking(null);
      setChosen(path);
      setWhy(null);
      onMade(path);
    } catch (error) {
      setMaking({ ...making, why: error.message });
    }
  };
  const row = Object.values(levels).flatMap((each) => (each ? each.folders : []))
    .find((each) => each.path === chosen);
  const go = () => {
    if (row && !row.why) onRemote(row);
    else setWhy(row ? `${row.path}: ${row.why}` : t("Choose a folder of the server."));
  };
  const tree = {
    levels, open, chosen, making, unfold, fold, make, setMaking, again,
    only: only.includes("/") ? "" : only.toLowerCase(),
    choose: (path) => {
      setChosen(path);
      setWhy(null);
    },
  };
  return html`
    <${Heading}>${t("Which folder of the server?")}<//>
    <form class="search" onSubmit=${search}><${Icon} name="search" />
      <input type="search" aria-label=${t("Search in the open folders, or type a path")}
        placeholder=${t("Search in the open folders, or type a path")} value=${only}
        onInput=${(event) => setOnly(event.target.value)} /></form>
    <section class="chooser" aria-label=${t("Folders on the server")}>
      ${levels[""] ? html`<${Level} path="" tree=${tree} />`
        : html`<p class="aside">${t("One moment…")}</p>`}
    </section>
    <${Wrong}>${why}<//>
    <footer><${Button} onClick=${onBack}>${t("Back")}<//>
      <${Button} kind="main" onClick=${go}>${t("Continue")}<//></footer>`;
}

function Level({ path, tree }) {
  const level = tree.levels[path];
  if (!level) return html`<p class="aside">${t("One moment…")}</p>`;
  if (level.why) {
    return html`<${Wrong}>${level.why}<//>
      <p><${Button} icon="sync" onClick=${() => tree.again(path)}>${t("Try again")}<//></p>`;
  }
  const shown = level.folders.filter((each) => isShown(each, tree));
  const { making } = tree;
  return html`<ul class="folders">
    ${shown.map((each) => html`<${Folder} key=${each.path} folder=${each} tree=${tree} />`)}
    ${level.more > 0 && html`<li class="aside">${tn(
      "and {count} more: type the path of the one that you want",
      "and {count} more: type the path of the one that you want", level.more)}</li>`}
    ${!shown.length && html`<li class="aside">${tree.only && level.folders.length
      ? t("No folder with this in its name.") : t("No folders in it.")}</li>`}
    ${path !== "" && path !== "spaces" && path !== "shares" && html`<li>
      ${making && making.at === path
        ? html`<${NewFolder} name=${making.name} why=${making.why} onMake=${tree.make}
            onName=${(name) => tree.setMaking({ ...making, name, why: null })}
            onClose=${() => tree.setMaking(null)} />`
        : html`<button type="button" class="item make"
            onClick=${() => tree.setMaking({ at: path, name: "", why: null })}>
            <${Icon} name="plus" />${t("New folder")}
            <span class="hidden">${t("in {path}", { path })}</span></button>`}</li>`}
  </ul>`;
}

// A folder is shown where its name has what is searched, or that of one that is open in it.
function isShown(folder, tree) {
  if (!tree.only || folder.name.toLowerCase().includes(tree.only)) return true;
  if (!tree.open.includes(folder.path)) return false;
  const level = tree.levels[folder.path];
  return Boolean(level) && level.folders.some((each) => isShown(each, tree));
}

function Folder({ folder, tree }) {
  const { path, name, why } = folder;
  const isRoot = path in ROOTS;
  const isOpen = tree.open.includes(path);
  const opens = folder.opens || isRoot || !why; // a folder may be made in an empty one
  const note = isRoot ? ROOTS[path] : why || (folder.read_only && t("read-only: it is followed"));
  return html`<li>
    <div class="line ${why && !isRoot ? "no" : ""}">
      ${opens ? html`<button type="button" class="item toggle" aria-expanded=${isOpen}
        aria-label=${t("Folders in {name}", { name })}
        onClick=${() => (isOpen ? tree.fold(path) : tree.unfold(path))}>
        <${Icon} name="open" /></button>` : html`<span class="toggle" />`}
      ${isRoot ? html`<span class="name"><${Icon} name="cloud" />${name}</span>`
        : html`<label class="name"><input type="radio" name="remote" disabled=${Boolean(why)}
            checked=${tree.chosen === path} onChange=${() => tree.choose(path)} />
          <${Icon} name="folder" /><span class="path">${name}</span></label>`}
      ${note && html`<span class="why">${note}</span>`}
    </div>
    ${isOpen && html`<${Level} path=${path} tree=${tree} />`}
  </li>`;
}
