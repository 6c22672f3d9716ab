// Ending the process of a drive that does not answer, and mounting the drive again.

import { useState } from "preact/hooks";
import { t } from "/language.js";
import { Button, Dialog, act, html } from "/parts.js";

export function EndHung({ name, onDone = () => {}, onClose }) {
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    if (await act("mount", { name, end_hung: true })) onDone();
    onClose();
  };
  return html`<${Dialog} title=${t("End {name} and mount it again", { name })} onClose=${onClose}>
    <div class="content">
      <p>${t("The drive's process does not answer. It is ended as a power cut would end it, and "
        + "the drive is mounted again.")}</p>
      <p>${t("Nothing is lost that was saved: it is on this computer, and what is not on the "
        + "server yet is still uploaded. Programs that use the drive now get an error, and lose "
        + "what they have written to a file but not saved.")}</p>
    </div>
    <footer><${Button} onClick=${onClose}>${t("Cancel")}<//>
      <${Button} kind="main" disabled=${busy} onClick=${go}>${t("End and mount again")}<//></footer>
  <//>`;
}
