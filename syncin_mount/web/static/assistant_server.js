// The assistant before its first step: which account, or a new one.

import { useState } from "preact/hooks";
import { call } from "/api.js";
import { Choice, Consent, Heading, Text, Wrong } from "/assistant_parts.js";
import { rich, t } from "/language.js";
import { Bar, Button, html } from "/parts.js";

const NEW = "/"; // no account has such a name

export function ServerStep({ servers, server, refused, onServer }) {
  const [chosen, setChosen] = useState(server || (servers.length ? servers[0].name : NEW));
  const options = servers.map((each) => [each.name, each.name, t("{login} at {url}", each)]);
  return html`
    <${Heading}>${t("Which server?")}<//>
    ${servers.length > 0 && html`<${Choice} name="server" title=${t("Account")}
      options=${[...options, [NEW, t("Another account"), t("Log in to one more server")]]}
      value=${chosen} onValue=${setChosen} />`}
    <${Wrong}>${refused}<//>
    ${chosen === NEW ? html`<${NewAccount} onServer=${onServer} />` : html`<footer>
      <${Button} kind="main" onClick=${() => onServer(chosen)}>${t("Continue")}<//></footer>`}`;
}

const NOTHING = { tls: false, http: false };
const DIRECT = { proxy: "", ca_file: "", client_cert: "" };
const MORE = [
  ["proxy", t("Proxy"), t("With http:// or socks5:// and its port; none: no proxy; empty: as the "
    + "system "
    + "says.")],
  ["ca_file", t("Trusted certificates"), t("A PEM file that counts instead of the system's.")],
  ["client_cert", t("Client certificate"), t("A PEM file with its key, where the server asks for "
    + "one.")],
];

export function NewAccount({ onServer }) {
  const [url, setUrl] = useState("");
  const [agreed, setAgreed] = useState(NOTHING);
  const [reached, setReached] = useState(null);
  const [more, setMore] = useState(DIRECT);
  const again = () => {
    setReached(null);
    setAgreed(NOTHING);
  };
  const way = { insecure_tls: agreed.tls, insecure_http: agreed.http, ...more };
  return reached
    ? html`<${LogIn} url=${reached} way=${way} onServer=${onServer} onBack=${again} />`
    : html`<${Address} url=${url} onUrl=${setUrl} agreed=${agreed} onAgreed=${setAgreed}
        onReached=${setReached} more=${more} onMore=${setMore} />`;
}

// The address is tried before anybody is asked for a password.
function Address({ url, onUrl, agreed, onAgreed, onReached, more, onMore }) {
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  const type = (text) => {
    onUrl(text);
    onAgreed(NOTHING); // it was said of another address
    setTrouble(null);
  };
  const go = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const { tls, http } = agreed;
      const body = { url, insecure_tls: tls, insecure_http: http, ...more };
      onReached((await call("assistant/server", body)).url);
    } catch (error) {
      setTrouble(error);
      setBusy(false);
    }
  };
  const wants = trouble && trouble.help;
  const at = (field) => trouble && trouble.said.field === field && trouble.message;
  const beside = MORE.some(([field]) => at(field));
  return html`<form onSubmit=${go}>
    <${Text} id="url" label=${t("The server's address")} required inputmode="url" maxlength="2048"
      placeholder="cloud.example.org" autocomplete="url" value=${url} onValue=${type}
      hint=${t("As in the browser, when you use Sync-in there.")}
      why=${trouble && !beside && trouble.message} />
    <details class="more-settings" open=${beside || undefined}><summary>${t("More settings")}
        <span class="small">${t("proxy and certificates")}</span></summary>
      ${MORE.map(([field, label, hint]) => html`<${Text} key=${field} id=${field} label=${label}
        hint=${hint} maxlength="2048" value=${more[field]} why=${at(field)}
        onValue=${(value) => onMore({ ...more, [field]: value })} />`)}
    </details>
    ${wants === "certificate" && html`<div class="note">
      <div><p>${t("Nobody that this computer trusts vouches for the certificate. If this is your "
        + "own server, compare the fingerprint (SHA-256) with the one that you know from it:")}</p>
      ${trouble.said.fingerprint && html`<p class="fingerprint">${trouble.said.fingerprint}</p>`}
      <${Consent} checked=${agreed.tls}
        onChecked=${(tls) => onAgreed({ ...agreed, tls })}>
        ${t("I know this server, and accept a certificate that nobody verifies")}<//></div></div>`}
    ${wants === "clear" && html`<div class="note"><${Consent} checked=${agreed.http}
      onChecked=${(http) => onAgreed({ ...agreed, http })}>
      ${t("I accept that others on the way can read and change everything")}<//></div>`}
    ${busy && html`<${Bar} part=${null} label=${t("Trying the address")} />`}
    <footer><button type="submit" class="button main" disabled=${busy}>
      ${t("Continue")}</button></footer>
  </form>`;
}

function LogIn({ url, way, onServer, onBack }) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [wanted, setWanted] = useState(false);
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  const go = async (event) => {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    const body = { url, login, password, code: (wanted && code) || null, ...way };
    try {
      onServer((await call("assistant/log-in", body)).server);
    } catch (error) {
      setBusy(false);
      if (error.help === "code") setWanted(true);
      else setTrouble(error);
    }
  };
  const why = (field) => trouble && trouble.said.field === field && trouble.message;
  const known = ["login", "password", "code"].some((field) => why(field));
  return html`<form onSubmit=${go}>
    <p class="small">${rich("A Sync-in server answers at {url}. The password is used once, and "
      + "never kept.", { url: html`<b class="path">${url}</b>` })}</p>
    <${Text} id="login" label=${t("Login or e-mail address")} required autocomplete="username"
      maxlength="255" value=${login} onValue=${setLogin} why=${why("login")} />
    <${Text} id="password" label=${t("Password")} type="password" required maxlength="1024"
      autocomplete="current-password" value=${password} onValue=${setPassword}
      hint=${t("Does your account log in through another service? Then make an app password for "
        + "desktop clients on its page there, and give that.")}
      why=${why("password")} />
    ${wanted && html`<${Text} id="code" label=${t("Code of the second factor")} required
      autocomplete="one-time-code" maxlength="64" value=${code} onValue=${setCode}
      hint=${t("From your authenticator app, or a recovery code.")} why=${why("code")} />`}
    <${Wrong}>${trouble && !known && trouble.message}<//>
    <footer><${Button} onClick=${onBack}>${t("Another address")}<//>
      <button type="submit" class="button main" disabled=${busy}>${t("Log in")}</button></footer>
  </form>`;
}
