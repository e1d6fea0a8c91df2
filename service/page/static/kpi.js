// Key figures as small multiples: one row a loop, one small chart a figure, the same time axis.
import { h, svg } from "/static/dom.js";
import { get } from "/static/api.js";
import { digits, percent } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { store } from "/static/store.js";

const figures = () => [["service", t("Service factor"), percent, 1], ["spread", t("2 sigma around the target"), (v) => `${digits(v)} %`, null],
  ["off_spec", t("Off-spec share"), percent, null], ["clamped", t("Share clamped by the gate"), percent, null], ["solve_ms", t("Slowest solve"), (v) => `${digits(v)} ms`, null]];

export async function kpi(root) {
  const found = await get("/api/kpi");
  for (const [name, loop] of Object.entries(store.line.loops)) {
    const one = found[name];
    root.append(h("h2", {}, `${label(loop.title)} · ${t("last {hours} h", { hours: digits(one.hours) })}`));
    if (!one.whole) { root.append(h("p", {}, t("No cycle recorded yet"))); continue; }
    root.append(h("div", { class: "multiples" }, figures().map(([key, title, show, top]) => multiple(title, show(one.whole[key]), one.slices.map((s) => s?.[key] ?? null), top))));
  }
}

function multiple(title, total, values, top) {
  const most = top ?? Math.max(...values.filter((v) => v !== null), 1e-12);
  const bars = values.map((v, i) => svg("rect", { x: i * 10 + 1, width: 8, y: v === null ? 0 : 78 - 74 * (v / most), height: v === null ? 78 : Math.max(1, 74 * (v / most)), class: v === null ? "none" : null }));
  return h("section", { class: "panel multiple" }, h("div", { class: "row" }, h("span", {}, title), h("span", { class: "grow" }), h("b", {}, total)),
    svg("svg", { viewBox: "0 0 240 78", preserveAspectRatio: "none", role: "img", "aria-label": `${title}: ${total}` }, bars));
}
