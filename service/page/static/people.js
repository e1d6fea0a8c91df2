// The admin's sheets: accounts, and who is signed in. What is done here is recorded with who did it.
import { h, table } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { form, say } from "/static/dialogs.js";
import { moment } from "/static/format.js";
import { t } from "/static/i18n.js";
import { store } from "/static/store.js";

const roles = () => ["operator", "engineer", "qa-approver", "admin", "auditor"].map((role) => [role, t(role)]);
const again = () => dispatchEvent(new HashChangeEvent("hashchange"));

export async function people(root) {
  const rows = await get("/api/people");
  root.append(
    h("div", { class: "controls" }, h("button", { class: "strong", onclick: add }, t("Make an account"))),
    h("p", {}, t("What counts on the line is the register in the limits in force: name, role and key. An account not in it may look only.")),
    h("div", { class: "scroll" }, table([t("Name for signing in"), t("Name"), t("Role"), t("State"), t("Counts as"), t("Acts")], rows.map((one) => [
      one.person, one.name, `${t(one.role)}${one.provider ? ` · ${t("from the provider")}` : ""}`,
      h("td", { class: one.state === "active" && !one.waits ? "" : "warn" }, `${one.state === "active" && !one.waits ? "" : "△ "}${t(one.state)}${one.waits ? ` · ${t("waits after wrong passwords")}` : ""}`),
      h("td", {}, t(one.counts_as), one.entry && !one.registered ? h("details", {}, h("summary", {}, t("not registered")), h("pre", { class: "entry" }, one.entry)) : null),
      h("td", {}, h("div", { class: "controls" }, acts(one))),
    ]), { class: "list" })));
}

function acts(one) {
  if (one.person === store.session.person.id) return t("your own: another admin's");
  const act = (what, text, meaning) => h("button", { "aria-label": `${text}: ${one.person}`, onclick: () => change(one, what, text, meaning) }, text);
  return [
    one.state === "locked" || one.waits ? act("unlock", t("Unlock"), t("This person may sign in again, at once.")) : null,
    one.state === "locked" ? null : act("lock", t("Lock"), t("Nobody signs in with this account until it is unlocked. What the person signed stays signed; the key signs on until it is revoked by a signed change.")),
    act("reset", t("New code"), t("Password and key are forgotten. The person sets the account up anew, and the new key has to be registered.")),
    one.state === "active" && !one.provider ? act("renew", t("Ask for another password"), t("For a password that somebody may have seen. The key stays the same.")) : null,
    one.provider ? null : h("button", { "aria-label": `${t("Role")}: ${one.person}`, onclick: () => role(one) }, t("Role")),
  ];
}

async function change(one, what, title, meaning) {
  const done = await form(`${title}: ${one.name}`, [], { meaning, confirm: title, send: () => post(`/api/people/${encodeURIComponent(one.person)}/${what}`, {}) });
  if (!done) return;
  if (done.answer.code) await code(one.name, done.answer.code); else say(done.answer.text);
  again();
}

async function role(one) {
  const done = await form(`${t("Role")}: ${one.name}`, [{ name: "role", label: t("Role"), choices: roles(), value: one.role }], {
    meaning: t("Where the register counts, the role in it does: change it by a signed change as well."),
    send: (typed) => post(`/api/people/${encodeURIComponent(one.person)}/role`, typed),
  });
  if (done) { say(done.answer.text); again(); }
}

async function add() {
  const done = await form(t("Make an account"), [
    { name: "person", label: t("Name for signing in: small letters, digits, dots"), max: 40 },
    { name: "name", label: t("Name as it is printed under a signature"), max: 64 },
    { name: "role", label: t("Role"), choices: roles() },
  ], { meaning: t("There is no default password: the person chooses it with a one-time code."), send: (typed) => post("/api/people", typed) });
  if (!done) return;
  await code(done.name, done.answer.code);
  again();
}

function code(name, text) {
  return form(t("One-time code for {name}", { name }), [], {
    meaning: t("Shown only now, good for 24 hours, once. Give it to this person and nobody else."),
    aside: () => h("pre", { class: "entry code" }, text), confirm: t("Done"),
  });
}

export async function sessions(root) {
  const rows = await get("/api/people/sessions");
  root.append(h("div", { class: "scroll" }, table([t("Name for signing in"), t("Since"), t("Last touch"), t("Acts")], rows.map((one) => [
    one.person, moment(one.since), moment(one.seen),
    one.person === store.session.person.id ? "" : h("button", { "aria-label": `${t("Sign out")}: ${one.person}`, onclick: () => signOff(one.person) }, t("Sign out")),
  ]), { class: "list" })));
}

async function signOff(person) {
  try { say((await post(`/api/people/${encodeURIComponent(person)}/sign-out`, {})).text); } catch (error) { say(`▲ ${error.message}`); return; }
  again();
}
