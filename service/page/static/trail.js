// The audit trail: what people asked, what was sealed and signed, what the engine noted. Newest first.
// "#/records/trail/120-480" shows one stretch of it, as a batch's review looks at it.
import { h, table } from "/static/dom.js";
import { get } from "/static/api.js";
import { label, t } from "/static/i18n.js";
import { may } from "/static/limit_acts.js";
import { review, waiting } from "/static/reviews.js";
import { store } from "/static/store.js";

export async function trail(root, [stretch = ""]) {
  const [first, last] = /^(\d+)-(\d+)$/.exec(stretch)?.slice(1).map(Number) ?? [1, null];
  const list = h("tbody");
  const kinds = h("select", { onchange: () => draw() }, [["", t("All kinds")], ...["request", "entry", "signature", "seal", "event", "start", "stop"].map((kind) => [kind, t(kind)])].map(([value, text]) => h("option", { value }, text)));
  const more = h("button", { onclick: () => load() }, t("Older"));
  const box = table([t("Record"), "UTC", t("Kind"), t("Loop"), t("Who"), t("What"), t("Why")], [], { class: "list" });
  box.tBodies[0].replaceWith(list);
  const rows = [];
  root.append(
    last === null ? await waiting() : h("div", { class: "row" }, h("h2", {}, t("Records {first} to {last}", { first, last })), h("a", { href: "#/records/trail" }, t("All records"))),
    h("div", { class: "controls" }, h("label", {}, t("Kind"), kinds), may("review") ? h("button", { onclick: () => review(first, last ?? rows[0]?.seq ?? 1) }, t("Sign a review")) : null),
    h("div", { class: "scroll" }, box), h("div", {}, more));
  const draw = () => list.replaceChildren(...rows.filter((row) => !kinds.value || row.kind === kinds.value).map(line));
  const load = async () => {
    const before = rows.length ? rows.at(-1).seq : last === null ? null : last + 1;
    const found = await get(`/api/trail?limit=100${before ? `&before=${before}` : ""}`);
    const inside = found.filter((row) => row.seq >= first);
    rows.push(...inside);
    more.hidden = inside.length < 100;
    draw();
  };
  await load();
}

function line(row) {
  const { body } = row;
  return h("tr", {}, [h("a", { href: `#/records/explain/${row.seq}` }, String(row.seq)), row.utc.replace("T", " ").slice(0, 19), t(row.kind),
    row.loop ? label(store.line.loops[row.loop]?.title ?? row.loop) : "–", body.who ?? body.name ?? body.author ?? "–", what(row), body.why ?? body.reason ?? body.meaning ?? ""].map((cell) => h("td", {}, cell)));
}

function what({ kind, body }) {
  if (kind === "request") return `${body.old} → ${body.new}${body.reset ? ` · ${t("Reset")}` : ""}`;
  if (kind === "seal") return `${t("Limits: v{version}", { version: body.version })} · ${body.kind} · ${String(body.sha256).slice(0, 12)}`;
  if (kind === "entry") return [t(body.entry), body.batch === undefined ? body.of : `${t("Batch")} ${body.batch}`, body.material, body.lot].filter((word) => word !== undefined).join(" · ");
  if (kind === "event") return [body.event, body.what ?? body.action, body.person, body.alarm ?? body.id, body.to ?? body.state, body.text].filter((word) => typeof word === "string").join(" · ");
  return "";
}
