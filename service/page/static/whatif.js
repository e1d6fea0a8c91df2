// What if: other weights, targets and limits in a sandbox, and the closed loop's answer from now on.
import { h, svg, table } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { label, t } from "/static/i18n.js";
import { digits, short } from "/static/format.js";
import { firstLoop, pickLoop } from "/static/pick.js";
import { signIn } from "/static/door.js";
import { offered } from "/static/limit_acts.js";
import { constraint } from "/static/words.js";
import { store } from "/static/store.js";

const names = () => ({ target: t("Target"), low: t("Low limit"), high: t("High limit"), weight: t("Weight"), rank: t("Rank"), move_weight: t("Move weight"), rest: t("Rest value") });

export async function whatIf(root, [name]) {
  const loop = name ?? firstLoop();
  const numbers = await get(`/api/what-if/${encodeURIComponent(loop)}`, "/api/what-if/{loop}");
  const pick = h("div", { class: "controls" }, pickLoop(loop, (one) => { location.hash = `#/engineering/what-if/${one}`; }));
  if (!numbers.playable) { root.append(pick, h("p", {}, t("This loop's controller has no model to play with."))); return; }
  const changes = {};
  const result = h("div", { role: "status" });
  const run = h("button", { class: "strong", ...offered("what-if"), onclick: () => (store.session?.person ? play(loop, changes, numbers, run, result) : signIn()) }, t("Play 60 cycles"));
  pick.append(run, h("button", { onclick: () => dispatchEvent(new HashChangeEvent("hashchange")) }, t("Start again")));
  root.append(
    h("p", {}, t("A copy of the controller hears the last recorded cycles and plays on with its own model as the plant. Nothing reaches the engine; what you like, you propose.")),
    pick, h("div", { class: "columns" }, h("section", { class: "panel" }, h("h2", {}, t("Numbers to try")), inputs(numbers.rows, changes)), h("section", { class: "panel" }, result)));
  result.append(h("p", { class: "soft" }, t("Change a number, then play.")));
}

function inputs(rows, changes) {
  return table([t("Signal"), t("Number"), t("Now"), t("Try"), t("Unit")], rows.flatMap((row) => Object.entries(row.is).map(([field, value], i) => [
    i === 0 ? h("b", {}, label(row.label)) : "", names()[field], short(value),
    h("input", { type: "number", step: "any", value: Number(value.toPrecision(6)), "aria-label": `${label(row.label)}: ${names()[field]}`, onchange: (event) => {
      const typed = Number(event.target.value);
      changes[row.tag] ??= {};
      if (event.target.value === "" || typed === Number(value.toPrecision(6))) delete changes[row.tag][field]; else changes[row.tag][field] = typed;
      event.target.parentElement.parentElement.classList.toggle("warn", field in changes[row.tag]);
    } }),
    ["weight", "rank", "move_weight"].includes(field) ? "" : row.unit])));
}

async function play(loop, changes, numbers, run, result) {
  run.disabled = true;
  result.replaceChildren(h("p", {}, t("Playing …")));
  try {
    const wanted = Object.fromEntries(Object.entries(changes).filter(([, fields]) => Object.keys(fields).length));
    const answer = await post("/api/what-if", { loop, changes: wanted, cycles: 60 });
    result.replaceChildren(...told(loop, answer, numbers));
  } catch (error) { result.replaceChildren(h("p", { class: "alarm" }, `▲ ${error.message}`)); }
  run.disabled = false;
}

function told(loop, answer, numbers) {
  const spec = store.line.loops[loop];
  const words = (list) => list.map((text) => constraint(text, spec)).join(", ") || t("nothing");
  const tags = (list) => list.map((tag) => label(numbers.rows.find((row) => row.tag === tag)?.label ?? tag)).join(", ") || t("nothing");
  return [
    h("p", {}, t("Grey: as it is now. Black: as tried. {minutes} minutes from now.", { minutes: short((answer.period_s * 60) / 60) })),
    ...Object.entries(answer.ended).map(([name, status]) => h("p", { class: "alarm" }, `▲ ${{ now: t("Now"), tried: t("Tried") }[name]}: ${status}`)),
    h("div", { class: "multiples" }, numbers.rows.map((row) => course(row, answer.signals[row.tag]))),
    table(["", t("Limited by"), t("Gave up")], [[t("Now"), words(answer.binding.now), tags(answer.gave_up.now)], [t("Tried"), words(answer.binding.tried), tags(answer.gave_up.tried)]]),
  ];
}

function course(row, { now, tried }) {
  const known = [...now, ...tried].filter((v) => v !== null);
  const low = Math.min(...known);
  const reach = Math.max(Math.max(...known) - low, Math.abs(low) * 0.002) || 1;
  const line = (values, kind) => svg("path", { class: kind, d: values.map((v, i) => (v === null ? "" : `${i ? "L" : "M"}${(i * 240) / Math.max(1, values.length - 1)} ${72 - (66 * (v - low)) / reach}`)).join("") });
  const last = tried.findLast((v) => v !== null);
  return h("div", { class: "multiple" }, h("div", { class: "row" }, h("span", {}, label(row.label)), h("span", { class: "grow" }), h("span", { class: "soft" }, digits(now.findLast((v) => v !== null))), "→", h("b", {}, digits(last)), h("span", { class: "unit" }, row.unit)),
    svg("svg", { class: "course", viewBox: "0 0 240 78", preserveAspectRatio: "none", role: "img", "aria-label": `${label(row.label)}: ${digits(last)} ${row.unit}` }, line(now, "now"), line(tried, "tried")));
}
