// How fast synchronizations may be.

import { useState } from "preact/hooks";
import { Button, Dialog, act, html } from "/parts.js";

const KIB = 1024;
const shown = (rate) => (rate ? String(Math.round(rate / KIB)) : "");
const read = (text) => (text.trim() === "" ? null : Math.round(Number(text) * KIB));

export function Limits({ cards, onClose }) {
  const first = cards[0].status;
  const [up, setUp] = useState(shown(first && first.limit_up));
  const [down, setDown] = useState(shown(first && first.limit_down));
  const names = cards.map((each) => each.name);
  const title = names.length === 1 ? `Bandwidth of ${names[0]}` : "Bandwidth of all";
  const save = async (event) => {
    event.preventDefault();
    if (await act("limit", { names, up: read(up), down: read(down) })) onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form onSubmit=${save}>
      <p>It holds on this computer, at once and from now on. Empty: as fast as it goes.</p>
      <div class="fields">
        <${Rate} label="Upload" value=${up} onValue=${setUp} />
        <${Rate} label="Download" value=${down} onValue=${setDown} />
      </div>
      <footer>
        <${Button} onClick=${onClose}>Cancel<//>
        <button type="submit" class="button main">Save</button>
      </footer>
    </form>
  <//>`;
}

function Rate({ label, value, onValue }) {
  return html`<label class="field"><span>${label}</span>
    <span class="unit"><input type="number" min="1" step="1" value=${value}
      placeholder="no limit" onInput=${(event) => onValue(event.target.value)} /> KiB/s</span>
  </label>`;
}
