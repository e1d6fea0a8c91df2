// The lots of a batch: entered by one person from the label, checked and signed by another.
import { h, table } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { form, personName, say } from "/static/dialogs.js";
import { moment } from "/static/format.js";
import { t } from "/static/i18n.js";
import { may } from "/static/limit_acts.js";

export async function lots(root, batch) {
  const entered = await get(`/api/batches/${encodeURIComponent(batch)}/lots`, "/api/batches/{batch}/lots");
  const rows = entered.map((lot) => [lot.material, lot.lot, `${lot.who}, ${moment(lot.utc)}`, state(lot), h("td", {}, acts(lot))]);
  root.append(h("div", {},
    h("p", {}, h("a", { href: "#/records/exports" }, t("All batches"))),
    h("h2", {}, t("Material lots of batch {batch}", { batch })),
    rows.length
      ? h("div", { class: "scroll" }, table([t("Material"), t("Lot"), t("Entered by"), t("Checked by"), t("Acts")], rows, { class: "list lots" }))
      : h("p", { class: "soft lots" }, t("No lot entered yet")),
    may("enter") ? h("div", { class: "controls" }, h("button", { onclick: () => enter(Number(batch)) }, t("Enter a lot"))) : null));
}

function state({ checked, struck }) {
  if (struck) return h("td", {}, `✕ ${t("struck")} · ${struck.who}, ${moment(struck.utc)}: ${struck.why}`);
  if (checked) return h("td", {}, `✓ ${checked.name}, ${moment(checked.utc)}`);
  return h("td", { class: "warn" }, `△ ${t("not checked")}`);
}

function acts(lot) {
  if (lot.struck) return null;
  const name = `${lot.material} ${lot.lot}`;
  return h("div", { class: "controls" },
    may("check") && !lot.checked && lot.who !== personName() ? h("button", { "aria-label": `${t("Check")}: ${name}`, onclick: () => check(lot) }, t("Check")) : null,
    may("enter") ? h("button", { "aria-label": `${t("Strike")}: ${name}`, onclick: () => strike(lot) }, t("Strike")) : null);
}

async function enter(batch) {
  done(await form(t("Enter a lot"), [
    { name: "material", label: t("Material, as on the label"), max: 60 },
    { name: "lot", label: t("Lot, as on the label"), max: 60 },
  ], { meaning: t("For batch {batch}. A second person checks it.", { batch }), confirm: t("Enter"), send: (typed) => post("/api/lots", { batch, ...typed }) }));
}

async function check(lot) {
  done(await form(t("Check"), [{ name: "password", label: t("Password, as your signature"), type: "password", max: 256 }], {
    meaning: t("I have checked lot {lot} of {material} for batch {batch} against its label.", lot),
    confirm: t("Sign"), send: (typed) => post(`/api/lots/${lot.record}/check`, typed) }));
}

async function strike(lot) {
  done(await form(t("Strike"), [{ name: "why", label: t("Why it is wrong"), max: 200 }], {
    meaning: t("Lot {lot} of {material} is struck; the entry stays readable.", lot),
    confirm: t("Strike"), send: (typed) => post(`/api/lots/${lot.record}/strike`, typed) }));
}

function done(typed) {
  if (!typed) return;
  say(typed.answer.text ?? t("Done"));
  dispatchEvent(new HashChangeEvent("hashchange"));
}
