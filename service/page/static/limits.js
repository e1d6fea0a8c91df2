// Limits with who, when and why; proposals with difference, impact and signatures.
import { h, table } from "/static/dom.js";
import { get } from "/static/api.js";
import { moment, percent, short, span } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { say } from "/static/dialogs.js";
import { activate, change, may, propose, sign } from "/static/limit_acts.js";

const kinds = () => ({ operating: t("Operating range"), proven: t("Proven range"), equipment: t("Equipment range"), validity: t("Validity"), target: t("Target"), low: t("Soft low limit"), high: t("Soft high limit") });

export async function limits(root) {
  const [found, proposed] = await Promise.all([get("/api/limits"), get("/api/limits/proposals").catch(() => [])]);
  if (found.version === null) { root.append(h("p", {}, t("Nothing is sealed yet: the engine has not been started."))); return; }
  const wanted = [];
  const cart = h("div", { class: "panel", hidden: true });
  const add = async (row) => {
    const one = await change(row);
    if (!one) return;
    wanted.push({ row, ...one });
    cart.hidden = false;
    cart.replaceChildren(h("h2", {}, t("To be proposed")),
      table([t("Signal"), t("Limit"), t("Old"), t("New"), t("Unit")], wanted.map((w) => [label(w.row.label), kinds()[w.row.kind], plain(w.row.value), plain(w.new), w.row.unit])),
      h("button", { class: "strong", onclick: () => propose(wanted) }, t("Propose")));
  };
  root.append(
    h("div", { class: "row" }, h("h2", {}, t("In force: version {version}", { version: found.version })), h("span", { class: "hash" }, found.sha256)),
    cart, h("h2", {}, t("Proposals")), proposed?.length ? h("div", { class: "columns" }, proposed.map(proposal)) : h("p", { class: "soft" }, t("No proposal is open. An engineer proposes and signs, a QA approver signs, then it is activated.")),
    h("h2", {}, t("Limits in force")), inForce(found.rows, add),
    h("h2", {}, t("Versions")), table([t("Version"), t("Kind"), t("Author"), "UTC", t("Why"), t("Signatures")], found.versions.map((one) => [`v${one.version}`, t(one.kind), one.author, one.utc, one.reason, one.signatures.join("; ") || "–"])),
  );
}

function inForce(rows, add) {
  const filter = h("input", { type: "search", "aria-label": t("Search"), placeholder: t("Search") });
  const body = h("tbody");
  const box = table([t("Signal"), t("Limit"), t("Value"), t("Unit"), t("Since"), t("Who"), t("When"), t("Why"), t("Change")], [], { class: "list" });
  box.tBodies[0].replaceWith(body);
  const made = rows.map((row) => {
    const cells = [label(row.label), kinds()[row.kind] ?? row.kind, plain(row.value), row.unit, `v${row.changed.version}`, row.changed.author, moment(row.changed.utc), row.changed.reason];
    const act = row.movable && may("limits-propose") ? h("button", { "aria-label": `${t("Change")}: ${row.path}`, onclick: () => add(row) }, t("Change")) : "";
    return { text: `${row.path} ${cells.join(" ")}`.toLowerCase(), row: h("tr", { title: row.path }, [...cells, act].map((cell, i) => h("td", { class: i === 2 ? "number" : null }, cell))) };
  });
  const draw = () => body.replaceChildren(...made.filter((one) => one.text.includes(filter.value.toLowerCase())).map((one) => one.row));
  filter.addEventListener("input", draw);
  draw();
  return h("div", {}, filter, h("div", { class: "scroll" }, box));
}

function proposal(one) {
  const effect = h("div");
  const signed = one.signatures.map((s) => `${s.name} (${t(s.role)}): ${s.meaning}`).join("; ") || t("none");
  const refused = one.changes.filter((row) => row.refusal);
  return h("section", { class: "panel proposal" },
    h("h2", {}, `v${one.version} · ${one.author} · ${moment(one.utc)}`), h("p", {}, one.reason),
    h("p", { class: "hash" }, one.sha256), one.expires ? h("p", {}, t("Can be activated until {utc}", { utc: moment(one.expires) })) : null,
    ...refused.map((row) => h("p", { class: "alarm" }, `▲ ${row.refusal.what ?? row.path}`)),
    table([t("What"), t("Old"), t("New"), t("Unit")], one.changes.map((row) => [row.path, plain(row.old), plain(row.new), row.unit])),
    h("p", {}, t("Signatures: {list}", { list: signed })),
    h("div", { class: "controls" }, h("button", { onclick: () => impact(one, effect) }, t("Impact on the last hour")),
      may("limits-sign") ? h("button", { onclick: () => sign(one) }, t("Sign")) : null,
      may("limits-activate") ? h("button", { onclick: () => activate(one) }, t("Activate")) : null), effect);
}

const plain = (value) => (Array.isArray(value) ? span(value) : typeof value === "number" ? short(value) : value === null ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));

async function impact(one, box) {
  box.replaceChildren(h("p", {}, t("Judging the last hour again …")));
  try {
    const rows = await get(`/api/limits/proposals/${one.sha256}/impact?hours=1`, "/api/limits/proposals/{name}/impact");
    const count = (judged, action) => judged.actions[action] ?? 0;
    box.replaceChildren(table([t("Loop"), t("Cycles"), t("Passed"), t("Clamped"), t("Held"), t("Shed or tripped"), t("Outside")], rows.map((row) => [row.loop, String(row.cycles),
      ...["ALLOW", "CLAMP", "HOLD"].map((action) => `${count(row.before, action)} → ${count(row.after, action)}`),
      `${count(row.before, "SHED") + count(row.before, "TRIP")} → ${count(row.after, "SHED") + count(row.after, "TRIP")}`,
      Object.entries(row.after.outside).map(([tag, n]) => `${tag}: ${percent(row.cycles ? n / row.cycles : 0)}`).join(", ") || "–"])));
  } catch (error) { say(`▲ ${error.message}`); box.replaceChildren(); }
}
