// The profile across the web over its metres: each row of the map is one box of the gauge.
import { h, table } from "/static/dom.js";
import { get } from "/static/api.js";
import { digits, signed } from "/static/format.js";
import { t } from "/static/i18n.js";

export async function heat(root) {
  const map = await get("/api/profile");
  if (!map.boxes.length) { root.append(h("p", {}, t("No scan recorded yet"))); return; }
  const canvas = h("canvas", { width: map.boxes.length, height: map.boxes[0].length, role: "img", "aria-label": t("Profile map") });
  const worst = reach(deviations(map));
  const told = h("p", { role: "status" }, t("Point at the map to read a value."));
  paint(canvas, deviations(map), worst);
  canvas.addEventListener("pointermove", (event) => {
    const at = (size, total, from) => Math.min(total - 1, Math.max(0, Math.floor((from / size) * total)));
    const scan = at(canvas.clientWidth, map.boxes.length, event.offsetX);
    const box = at(canvas.clientHeight, map.boxes[0].length, event.offsetY);
    const value = map.boxes[scan][box];
    told.textContent = `${t("Metre: {value} m", { value: digits(map.metres[scan]) })} · ${t("Box: {number}", { number: box + 1 })} · ${digits(value)} ${map.unit}${value === null ? "" : ` · ${signed(100 * (value / mean(map.boxes[scan]) - 1))} %`} · ${map.utc[scan]}`;
  });
  root.append(
    h("h2", {}, t("Deviation from the scan's mean, {low} to {high} %", { low: signed(-worst, 1), high: signed(worst, 1) })),
    h("div", { class: "scale" }, h("span", {}, `${signed(-worst, 1)} % ${t("thin")}`), scale(), h("span", {}, `${signed(worst, 1)} % ${t("thick")}`)),
    canvas,
    h("div", { class: "row" }, h("span", {}, t("Metre: {value} m", { value: digits(map.metres[0]) })), h("span", { class: "grow" }), told, h("span", { class: "grow" }), h("span", {}, t("Metre: {value} m", { value: digits(map.metres.at(-1)) }))),
    h("h2", {}, t("Last scan")),
    h("div", { class: "scroll" }, table([t("Box"), ...map.boxes.at(-1).map((_, i) => String(i + 1))], [[map.unit, ...map.boxes.at(-1).map(digits)], ["%", ...deviations(map).at(-1).map((d) => signed(d))]])));
}

// The range of the greys: what 98 % of the boxes stay within. A torn scan must not flatten the rest.
function reach(rows) {
  const sizes = rows.flat().filter((d) => d !== null).map(Math.abs).sort((a, b) => a - b);
  return Math.max(0.5, sizes[Math.floor(0.98 * (sizes.length - 1))] ?? 0);
}

function mean(row) {
  const known = row.filter((v) => v !== null);
  return known.reduce((a, b) => a + b, 0) / (known.length || 1);
}

function deviations(map) {
  return map.boxes.map((row) => { const m = mean(row); return row.map((v) => (v === null ? null : 100 * (v / m - 1))); });
}

// Thin is dark, thick is light: read without colour. Only what is beyond 2 % is coloured.
function shade(d, worst) {
  if (d === null) return [120, 120, 160];
  const level = Math.round(150 + 95 * Math.max(-1, Math.min(1, d / worst)));
  if (Math.abs(d) > 2) return d < 0 ? [120, 40, 20] : [255, 205, 120];
  return [level, level, level];
}

function paint(canvas, rows, worst) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  rows.forEach((row, x) => row.forEach((d, y) => image.data.set([...shade(d, worst), 255], 4 * (y * canvas.width + x))));
  context.putImageData(image, 0, 0);
}

function scale() {
  const canvas = h("canvas", { width: 101, height: 1, role: "img", "aria-label": t("Scale") });
  paint(canvas, Array.from({ length: 101 }, (_, i) => [(i - 50) / 25.1]), 2);
  return canvas;
}
