// The review of the audit trail, batch by batch: which batches wait for it, and quality's signature.
import { h, table } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { form, say } from "/static/dialogs.js";
import { moment } from "/static/format.js";
import { t } from "/static/i18n.js";
import { may } from "/static/limit_acts.js";

export async function waiting() {
  const batches = await get("/api/batches").catch(() => null);
  if (!batches?.length) return h("p", { class: "soft" }, t("No batch recorded yet"));
  return h("div", {}, h("h2", {}, t("Review by batch")), h("div", { class: "scroll" }, table(
    [t("Batch"), t("From"), t("To"), t("Records"), t("Review"), t("Acts")], batches.map((batch) => {
      const [first, last] = batch.records;
      return [String(batch.id), moment(batch.from), moment(batch.to), `${first} … ${last}`, state(batch.review),
        h("td", {}, h("div", { class: "controls" }, h("a", { href: `#/records/trail/${first}-${last}` }, t("Look")),
          may("review") && !batch.review.reviewed ? h("button", { "aria-label": `${t("Sign a review")}: ${batch.id}`, onclick: () => review(first, last) }, t("Sign a review")) : null))];
    }), { class: "list batches" })));
}

export function state({ reviewed, left, by }) {
  const who = by.map((one) => `${one.name}, ${moment(one.utc)}: ${one.why}`).join("; ");
  if (reviewed) return h("td", {}, `✓ ${t("reviewed")} · ${who}`);
  const open = by.length ? t("not reviewed: {records}", { records: left.map(([a, b]) => `${a} … ${b}`).join(", ") }) : t("not reviewed");
  return h("td", { class: "warn" }, `△ ${open}${who ? ` · ${who}` : ""}`);
}

// Quality's signature under a stretch of the trail; it becomes a record itself.
export async function review(first, last) {
  const done = await form(t("Sign a review"), [
    { name: "first", label: t("First record"), type: "number", value: first },
    { name: "last", label: t("Last record"), type: "number", value: last },
    { name: "why", label: t("What the review found"), max: 200 },
    { name: "password", label: t("Password, as your signature"), type: "password", max: 256 },
  ], { meaning: t("I have reviewed these records."), confirm: t("Sign"), send: ({ first, last, ...typed }) => post("/api/review", { first: Number(first), last: Number(last), ...typed }) });
  if (!done) return;
  say(done.answer.text ?? t("Done"));
  dispatchEvent(new HashChangeEvent("hashchange"));
}
