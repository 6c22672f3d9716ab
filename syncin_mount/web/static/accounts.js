// Accounts on servers: how each is reached, who is logged in, and what uses it.

import { useState } from "preact/hooks";
import { call } from "/api.js";
import { Consent, Text, Wrong } from "/assistant_parts.js";
import { NewAccount } from "/assistant_server.js";
import { rich, t } from "/language.js";
import { LogIn } from "/log_in.js";
import { Bar, Button, Dialog, Icon, act, html, notice } from "/parts.js";
import { useAnswer } from "/rows.js";
import { state } from "/store.js";
import * as words from "/words.js";

export function Accounts() {
  const { program } = state;
  const [found, again] = useAnswer("accounts", {}, [program && JSON.stringify(program.servers)]);
  const [open, setOpen] = useState(null);
  const close = () => {
    setOpen(null);
    again();
  };
  const is = (what, account) => open && open[0] === what && open[1] === account.name;
  return html`<section class="sheet part" aria-labelledby="accounts-title">
    <div class="part-head"><h2 id="accounts-title">${t("Accounts")}</h2>
      <${Button} icon="plus" onClick=${() => setOpen(["add"])}>${t("Add an account")}<//></div>
    ${!found && html`<p class="waits">${t("One moment…")}</p>`}
    ${found && !found.accounts.length && html`<p class="small">${t("There is none yet.")}</p>`}
    <ul class="accounts">${found && found.accounts.map((each) => html`<li key=${each.name}>
      <article class="account" aria-label=${each.name}>
        <h3>${each.name}</h3>
        <p>${rich("{login} at {url}", { login: each.login,
          url: html`<span class="path">${each.url}</span>` })}</p>
        ${each.insecurity && html`<p class="note bad"><${Icon} name="alert" />
          <span><b>${t("Not safe:")}</b> ${each.insecurity}</span></p>`}
        ${!each.logged_in && html`<p class="note bad"><${Icon} name="alert" />
          <span>${each.refused
            ? t("The server did not let this computer in the last time. Log in again.")
            : t("This computer is not logged in.")}</span></p>`}
        <p class="small">${each.used_by.length
          ? t("Used by {names}", { names: each.used_by.join(", ") })
          : t("No synchronization uses it")}${way(each)}</p>
        <div class="actions">
          <${Button} onClick=${() => setOpen(["edit", each.name])}>${t("Edit…")}<//>
          <${Button} onClick=${() => setOpen(["log-in", each.name])}>${t("Log in again…")}<//>
          <${Button} onClick=${() => setOpen(["clients", each.name])}>${t("Clients…")}<//>
          <${Button} onClick=${() => setOpen(["remove", each.name])}>${t("Forget…")}<//>
        </div>
        ${is("edit", each) && html`<${Edit} account=${each} onClose=${close} />`}
        ${is("log-in", each) && html`<${LogIn} server=${each.name} onClose=${close} />`}
        ${is("clients", each) && html`<${Clients} account=${each} onClose=${close} />`}
        ${is("remove", each) && html`<${Remove} account=${each} onClose=${close} />`}
      </article></li>`)}</ul>
    ${open && open[0] === "add" && html`<${Dialog} title=${t("Add an account")} onClose=${close}>
      <div class="in-dialog"><${NewAccount} onServer=${(name) => {
        notice(t("You are logged in; the account is called {name}", { name }));
        close();
      }} /></div><//>`}
  </section>`;
}

const way = ({ proxy, ca_file: ca, client_cert: shown }) => [
  proxy && (proxy === "none" ? t("without a proxy") : t("by the proxy {proxy}", { proxy })),
  ca && t("with certificates of its own"), shown && t("with a client certificate"),
].filter(Boolean).map((each) => ` · ${each}`).join("");

// The program's words for how a client is.
const STATES = {
  "logged in": t("logged in"), expired: t("expired"), disabled: t("disabled"),
  "logged out": t("logged out"),
};

const HINTS = {
  url: t("The same server, elsewhere. The log-in stays."),
  proxy: t("With http:// or socks5:// and its port; none: no proxy; empty: as the system says."),
  ca_file: t("A PEM file of certificates to trust instead of the system's."),
  client_cert: t("A PEM file with a certificate and its key, for a server that asks for one."),
};

function Edit({ account, onClose }) {
  const [now, setNow] = useState({
    url: account.url, proxy: account.proxy, ca_file: account.ca_file,
    client_cert: account.client_cert, insecure_tls: account.insecure_tls,
    insecure_http: account.insecure_http, untried: false,
  });
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  const set = (more) => {
    setNow({ ...now, untried: false, ...more });
  };
  const go = async (event) => {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    // One that was not touched stays with its log-in, which is not shown.
    const proxy = now.proxy === account.proxy ? null : now.proxy;
    try {
      const { but } = await call("accounts/edit", { ...now, proxy, server: account.name });
      if (but) notice(but);
      onClose();
    } catch (error) {
      setTrouble(error);
      setBusy(false);
    }
  };
  const at = (field) => trouble && trouble.said.field === field && trouble.message;
  const text = (field, label, more = {}) => html`<${Text} id=${`edit-${field}`} label=${label}
    hint=${HINTS[field]} maxlength="2048" value=${now[field]} why=${at(field)}
    onValue=${(value) => set({ [field]: value })} ...${more} />`;
  const wants = trouble && trouble.help;
  const unsafe = account.insecure_tls || wants === "certificate";
  const clear = account.insecure_http || wants === "clear";
  return html`<${Dialog} title=${t("Edit {name}", { name: account.name })} onClose=${onClose}>
    <form class="asking" onSubmit=${go}>
      ${text("url", t("Address"), { required: true, inputmode: "url" })}
      ${text("proxy", t("Proxy"))}
      ${text("ca_file", t("Trusted certificates"))}
      ${text("client_cert", t("Client certificate"))}
      ${unsafe && html`<div class="note bad"><${Icon} name="alert" /><div>
        <p>${t("Who is in between can read and change everything, if nobody verifies the "
          + "certificate.")}
          ${" "}${trouble && trouble.said.fingerprint
            && t("The server shows this one (SHA-256):")}</p>
        ${trouble && trouble.said.fingerprint && html`<p class="fingerprint">
          ${trouble.said.fingerprint}</p>`}
        <${Agree} checked=${now.insecure_tls} onChecked=${(yes) => set({ insecure_tls: yes })}>
          ${t("I accept a certificate that nobody verifies")}<//></div></div>`}
      ${clear && html`<div class="note bad"><${Icon} name="alert" /><${Agree}
        checked=${now.insecure_http} onChecked=${(yes) => set({ insecure_http: yes })}>
        ${t("I accept that others on the way can read and change everything")}<//></div>`}
      ${wants === "untried" && html`<div class="note"><${Consent} checked=${now.untried}
        onChecked=${(yes) => set({ untried: yes })}>${t("Keep it, though nobody answers there "
          + "now")}<//>
        </div>`}
      <${Wrong}>${trouble && !(trouble.said.field in HINTS) && trouble.message}<//>
      ${busy && html`<${Bar} part=${null} label=${t("Trying the address")} />`}
      <footer><${Button} onClick=${onClose}>${t("Cancel")}<//>
        <button type="submit" class="button main" disabled=${busy}>${t("Save")}</button></footer>
    </form><//>`;
}

// A consent that may be taken back, too.
const Agree = ({ checked, onChecked, children }) => html`<label class="check consent">
  <input type="checkbox" checked=${checked}
    onChange=${(event) => onChecked(event.target.checked)} /><span>${children}</span></label>`;

function Remove({ account, onClose }) {
  const { name, used_by: users } = account;
  const go = async () => {
    if (await act("accounts/remove", { server: name })) onClose();
  };
  return html`<${Dialog} title=${t("Forget {name}", { name })} onClose=${onClose}>
    <div class="content">
      ${users.length > 0 ? html`<p class="note bad"><${Icon} name="alert" /><span>
          ${t("This account is in use. Remove first:")} <b>${users.join(", ")}</b></span></p>`
        : html`<p>${t("This computer logs out of {login} at {url}, and forgets the account. "
          + "Nothing on the server changes.", account)}</p>`}
    </div>
    <footer><${Button} onClick=${onClose}>${t("Cancel")}<//>
      ${!users.length && html`<${Button} kind="main" onClick=${go}>
        ${t("Log out and forget")}<//>`}</footer>
  <//>`;
}

function Clients({ account, onClose }) {
  const [found, again] = useAnswer("clients", { server: account.name }, []);
  const [asks, setAsks] = useState(null);
  const remove = async (client) => {
    setAsks(null);
    await act("clients/remove", { server: account.name, id: client.id });
    again();
  };
  return html`<${Dialog} title=${t("Clients of {login}", account)} onClose=${onClose} wide>
    <div class="content">
      <p class="small">${rich("Computers and programs that are logged in to the account at {url}.",
        { url: html`<span class="path">${account.url}</span>` })}</p>
      ${!found && html`<${Bar} part=${null} label=${t("Asking the server")} />`}
      <ul class="accounts">${found && found.clients.map((each) => html`<li key=${each.id}>
        <article class="account" aria-label=${each.computer}>
          <h3>${each.computer}${each.here && html` <span class="count">
            ${t("this computer")}</span>`}
            ${each.state !== "logged in" && html` <span class="count">${STATES[each.state]
              || each.state}</span>`}</h3>
          <p class="small">${[each.user, each.system, each.program].filter(Boolean).join(" · ")}</p>
          <p class="small">${each.address
            ? t("Last log-in: {time} from {address}",
              { time: words.moment(each.last), address: each.address })
            : t("Last log-in: {time}", { time: words.moment(each.last) })}</p>
          <p class="small path">${each.folders.length ? each.folders.join(", ")
            : t("No synchronizations")}</p>
          ${asks === each.id ? html`<div class="note bad"><${Icon} name="alert" /><div>
              <p>${each.here
                ? t("This computer would be logged out: what changes in its drives waits until you "
                  + "log in again.") : t("Its access ends within half an hour.")}
                ${" "}${each.folders.length > 0
                  && t("Its synchronizations end with it; files stay.")}</p>
              <div class="actions"><${Button} onClick=${() => setAsks(null)}>${t("Keep it")}<//>
                <${Button} kind="main" onClick=${() => remove(each)}>${t("Log it out")}<//></div>
            </div></div>`
            : html`<div class="actions"><${Button} aria-label=${t("Log out {computer}…", each)}
                onClick=${() => setAsks(each.id)}>${t("Log out…")}<//></div>`}
        </article></li>`)}</ul>
    </div>
    <footer><${Button} onClick=${onClose}>${t("Close")}<//></footer>
  <//>`;
}
