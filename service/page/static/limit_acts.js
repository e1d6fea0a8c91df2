// The acts on limits: change a value, propose, sign, activate. The server and the engine judge.
import { post } from "/static/api.js";
import { form, say } from "/static/dialogs.js";
import { label, t } from "/static/i18n.js";
import { store } from "/static/store.js";

export function may(action) { return store.session?.actions?.includes(action) ?? false; }

// How a button that is always there is given to who is here. Whoever has not signed in is asked to;
// a role that may not do it sees why.
export function offered(action) {
  const role = store.session?.person?.role;
  return may(action) || !role ? {} : { disabled: true, title: t("Not for the role {role}", { role: t(role) }) };
}

// Ask for the new value of one limit; gives { place, new } in people's units, or null.
export async function change(row) {
  const pair = Array.isArray(row.value);
  const names = pair ? ["low", "high"] : ["value"];
  const texts = { low: t("Low limit"), high: t("High limit"), value: t("New value") };
  const old = pair ? row.value : [row.value];
  const fields = names.map((name, i) => ({ name, label: `${texts[name]} [${row.unit}] · ${t("Now: {value}", { value: Number(old[i].toPrecision(6)) })}`, type: "number" }));
  const done = await form(`${label(row.label)} [${row.unit}]`, fields, { meaning: row.path, confirm: t("Take over") });
  if (!done) return null;
  const typed = names.map((name) => Number(done[name]));
  return { place: row.place, new: pair ? typed : typed[0] };
}

async function act(title, meaning, fields, path, more, confirm) {
  const done = await form(title, fields, { meaning, confirm, send: (typed) => post(path, { ...more, ...typed }) });
  if (!done) return;
  say(done.answer.text ?? t("Done"));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export function propose(wanted) {
  const changes = wanted.map((one) => ({ place: one.place, new: one.new }));
  return act(t("Propose new limits"), t("A proposal cannot be changed any more. It needs your signature and that of a QA approver."),
    [{ name: "reason", label: t("Reason"), max: 500, rows: 3 }], "/api/limits/propose", { changes }, t("Propose"));
}

export function sign(one) {
  return act(t("Sign v{version}", { version: one.version }), t("I have read the difference and its impact."),
    [{ name: "password", label: t("Password, as your signature"), type: "password", max: 256 }], `/api/limits/${one.sha256}/sign`, {}, t("Sign"));
}

export function activate(one) {
  return act(t("Activate v{version}", { version: one.version }), t("These limits come into force at the next cycle."), [], `/api/limits/${one.sha256}/activate`, {}, t("Activate"));
}
