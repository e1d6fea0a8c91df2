// The audit trail: what people asked, what was sealed and signed, what the engine noted. Newest first.
import { h, table } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { form, say } from "/static/dialogs.js";
import { label, t } from "/static/i18n.js";
import { may } from "/static/limit_acts.js";
import { store } from "/static/store.js";

export async function trail(root) {
  const list = h("tbody");
  const kinds = h("select", { onchange: () => draw() }, [["", t("All kinds")], ...["request", "signature", "seal", "event", "start", "stop"].map((kind) => [kind, t(kind)])].map(([value, text]) => h("option", { value }, text)));
  const more = h("button", { onclick: () => load() }, t("Older"));
  const box = table([t("Record"), "UTC", t("Kind"), t("Loop"), t("Who"), t("What"), t("Why")], [], { class: "list" });
  box.tBodies[0].replaceWith(list);
  root.append(h("div", { class: "controls" }, h("label", {}, t("Kind"), kinds), may("review") ? h("button", { onclick: () => review(rows) }, t("Sign a review")) : null), h("div", { class: "scroll" }, box), h("div", {}, more));
  const rows = [];
  const draw = () => list.replaceChildren(...rows.filter((row) => !kinds.value || row.kind === kinds.value).map(line));
  const load = async () => {
    const found = await get(`/api/trail?limit=100${rows.length ? `&before=${rows.at(-1).seq}` : ""}`);
    rows.push(...found);
    more.hidden = found.length < 100;
    draw();
  };
  await load();
}

// Quality's signature under a stretch of the trail; it becomes a record itself.
async function review(rows) {
  const done = await form(t("Sign a review"), [
    { name: "first", label: t("First record"), type: "number" },
    { name: "last", label: `${t("Last record")} · ${t("Now: {value}", { value: rows[0]?.seq ?? 1 })}`, type: "number" },
    { name: "why", label: t("What the review found"), max: 200 },
    { name: "password", label: t("Password, as your signature"), type: "password", max: 256 },
  ], { meaning: t("I have reviewed these records."), confirm: t("Sign"), send: ({ first, last, ...typed }) => post("/api/review", { first: Number(first), last: Number(last), ...typed }) });
  if (done) say(done.answer.text ?? t("Done"));
}

function line(row) {
  const { body } = row;
  return h("tr", {}, [h("a", { href: `#/records/explain/${row.seq}` }, String(row.seq)), row.utc.replace("T", " ").slice(0, 19), t(row.kind),
    row.loop ? label(store.line.loops[row.loop]?.title ?? row.loop) : "–", body.who ?? body.name ?? body.author ?? "–", what(row), body.why ?? body.reason ?? body.meaning ?? ""].map((cell) => h("td", {}, cell)));
}

function what({ kind, body }) {
  if (kind === "request") return `${body.old} → ${body.new}${body.reset ? ` · ${t("Reset")}` : ""}`;
  if (kind === "seal") return `${t("Limits: v{version}", { version: body.version })} · ${body.kind} · ${String(body.sha256).slice(0, 12)}`;
  if (kind === "event") return [body.event, body.alarm ?? body.id, body.to ?? body.state, body.text].filter((word) => typeof word === "string").join(" · ");
  return "";
}
