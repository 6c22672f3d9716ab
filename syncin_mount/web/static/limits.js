// How fast synchronizations may be.

import { useState } from "preact/hooks";
import { t } from "/language.js";
import { Button, Dialog, act, html } from "/parts.js";

const KIB = 1024;
const shown = (rate) => (rate ? String(Math.round(rate / KIB)) : "");
const read = (text) => (text.trim() === "" ? null : Math.round(Number(text) * KIB));

export function Limits({ cards, onClose }) {
  const first = cards[0].status;
  const [up, setUp] = useState(shown(first && first.limit_up));
  const [down, setDown] = useState(shown(first && first.limit_down));
  const names = cards.map((each) => each.name);
  const title = names.length === 1 ? t("Bandwidth of {name}", { name: names[0] })
    : t("Bandwidth of all");
  const save = async (event) => {
    event.preventDefault();
    if (await act("limit", { names, up: read(up), down: read(down) })) onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form onSubmit=${save}>
      <p>${t("It holds on this computer, at once and from now on. Empty: as fast as it goes.")}</p>
      <div class="fields">
        <${Rate} label=${t("Upload")} value=${up} onValue=${setUp} />
        <${Rate} label=${t("Download")} value=${down} onValue=${setDown} />
      </div>
      <footer>
        <${Button} onClick=${onClose}>${t("Cancel")}<//>
        <button type="submit" class="button main">${t("Save")}</button>
      </footer>
    </form>
  <//>`;
}

function Rate({ label, value, onValue }) {
  return html`<label class="field"><span>${label}</span>
    <span class="unit"><input type="number" min="1" step="1" value=${value}
      placeholder=${t("no limit")} onInput=${(event) => onValue(event.target.value)} />
      ${" KiB/s"}</span>
  </label>`;
}
