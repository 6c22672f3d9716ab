// Logging in again to a server that this computer is known to.

import { useState } from "preact/hooks";
import { call } from "/api.js";
import { rich, t } from "/language.js";
import { Button, Dialog, Icon, html } from "/parts.js";
import { useStore } from "/store.js";

export function LogIn({ server, onClose }) {
  const { program } = useStore();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [wanted, setWanted] = useState(false);
  const [why, setWhy] = useState(null);
  const [busy, setBusy] = useState(false);
  const account = program.servers.find((each) => each.name === server);
  const go = async (event) => {
    event.preventDefault();
    setBusy(true);
    setWhy(null);
    try {
      await call("log-in", { server, password, code: code || null });
      onClose();
    } catch (error) {
      if (error.help === "code") setWanted(true);
      else setWhy(error.message);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t("Log in to {server} again", { server })} onClose=${onClose}>
    <form onSubmit=${go}>
      <p>${rich("As {login} at {url}. The password is used once, and never kept.",
        { login: html`<b>${account.login}</b>`, url: html`<b>${account.url}</b>` })}</p>
      <div class="fields">
        <label class="field"><span>${t("Password")}</span>
          <input type="password" autocomplete="current-password" required value=${password}
            onInput=${(event) => setPassword(event.target.value)} /></label>
        ${wanted && html`<label class="field"><span>${t("Code of the second factor")}</span>
          <input inputmode="numeric" autocomplete="one-time-code" required value=${code}
            onInput=${(event) => setCode(event.target.value)} /></label>`}
      </div>
      ${why && html`<p class="note bad" role="alert"><${Icon} name="alert" />${why}</p>`}
      <footer>
        <${Button} onClick=${onClose}>${t("Cancel")}<//>
        <button type="submit" class="button main" disabled=${busy}>${t("Log in")}</button>
      </footer>
    </form>
  <//>`;
}
