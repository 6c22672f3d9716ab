// An import that stopped goes on: what is left in the folder becomes the drive's.

import { useState } from "preact/hooks";
import { stream } from "/api.js";
import { Stage } from "/assistant.js";
import { Stuck } from "/assistant_settings.js";
import { rich, t } from "/language.js";
import { Button, Dialog, Icon, html } from "/parts.js";

// It goes on when the dialog, or the tab, is closed.
export function Import({ card, onClose }) {
  const { name, folder } = card;
  const [line, setLine] = useState(null);
  const [begun, setBegun] = useState(false);
  const go = () => {
    setBegun(true);
    setLine(null);
    stream("assistant/import", { name }, setLine)
      .catch((error) => setLine({ event: "refused", why: error.message }));
  };
  const busy = begun && (!line || line.event === "stage");
  const done = line && line.event === "mounted";
  return html`<${Dialog} title=${t("Import into {name}", { name })} onClose=${onClose}>
    <div class="content">
      ${!begun && html`<p>${rich("An import stopped before its end. What is still in {folder} "
        + "becomes the drive's, and the drive is mounted then. Each file stays where it is until "
        + "its copy is safe.", { folder: html`<b class="path">${folder}</b>` })}</p>`}
      ${busy && html`<${Stage} stage=${line} />`}
      ${line && line.why && html`<p class="note bad" role="alert"><${Icon} name="alert" />
        <span>${line.why}</span></p>`}
      ${done && html`<p role="status">${
        t("{name} is mounted, with all of it.", { name })}</p>`}
      ${line && (line.notes || []).map((each) => html`<p class="note" key=${each}>${each}</p>`)}
      <${Stuck} files=${line && line.left} inAll=${line && line.left_in_all} />
    </div>
    <footer><${Button} onClick=${onClose}>${t("Close")}<//>
      ${!busy && !done && html`<${Button} kind="main" onClick=${go}>${t("Go on")}<//>`}</footer>
  <//>`;
}
