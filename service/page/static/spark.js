// A small line: the key value of the last half hour with its target. Grey, because it is normal.
import { svg } from "/static/dom.js";
import { t } from "/static/i18n.js";

const WIDTH = 400;
const HEIGHT = 70;
const SECONDS = 1800;

export function spark() {
  const line = svg("path", { class: "line" });
  const aim = svg("path", { class: "aim" });
  const box = svg("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": t("Last half hour") }, aim, line);
  return { box, draw: (past, tag) => draw(past, tag, line, aim) };
}

function draw(past, tag, line, aim) {
  const from = past.since(SECONDS);
  const column = past.signals[tag];
  if (!column) return;
  const times = past.t.slice(from);
  const values = column.value.slice(from);
  const goals = column.target.slice(from).map((v, i) => v ?? column.high[from + i]);
  const known = [...values, ...goals].filter((v) => v !== null);
  if (!known.length) return;
  const low = Math.min(...known);
  const reach = Math.max(Math.max(...known) - low, Math.abs(low) * 0.01) || 1;
  const x = (time) => WIDTH - (WIDTH * (times.at(-1) - time)) / SECONDS;
  const y = (value) => HEIGHT - 5 - ((HEIGHT - 10) * (value - low)) / reach;
  line.setAttribute("d", path(times, values, x, y));
  aim.setAttribute("d", path(times, goals, x, y));
}

function path(times, values, x, y) {
  let open = false;
  return values.map((v, i) => {
    if (v === null) { open = false; return ""; }
    const step = `${open ? "L" : "M"}${x(times[i]).toFixed(1)} ${y(v).toFixed(1)}`;
    open = true;
    return step;
  }).join("");
}
