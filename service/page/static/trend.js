// One trend: the past, the prediction with its fan, earlier predictions (ghosts), target and limits.
import uPlot from "/static/vendor/uPlot.esm.js";
import { get } from "/static/api.js";
import { h } from "/static/dom.js";
import { named } from "/static/format.js";
import { t } from "/static/i18n.js";

const WINDOW_MIN = 25;
const INK = "#1d2125";
const SOFT = "#767c82";
const PLAN = "#1c4f7c";
const GHOST = "#5f86a8";
const LIMIT = "#6b4e2e";
const COLUMNS = 9; // value, plan, fan low, fan high, 2 ghosts, target, low, high

export class Trend {
  constructor(loop, signal, kind) {
    Object.assign(this, { loop, signal, kind, fan: null, past: null });
    this.title = h("h2", { class: "label" });
    this.chart = h("div", { class: "chart" });
    this.box = h("div", { class: "trend" }, this.title, this.chart);
  }

  open(past) {
    this.past = past;
    this.plot = new uPlot(this.options(), new Array(COLUMNS + 1).fill([]), this.chart);
    this.watcher = new ResizeObserver(() => this.plot.setSize(this.size()));
    this.watcher.observe(this.chart);
    this.timer = setInterval(() => this.ask(), 5000);
    this.select(this.signal);
  }

  close() { this.watcher.disconnect(); clearInterval(this.timer); this.plot.destroy(); this.plot = null; }

  select(signal) {
    this.signal = signal;
    this.fan = null;
    this.title.textContent = `${named(signal)}${signal.unit ? ` [${signal.unit}]` : ""}`;
    this.chart.setAttribute("role", "img");
    this.chart.setAttribute("aria-label", t("Trend: {signal}, past, prediction and earlier predictions", { signal: named(signal) }));
    this.update(this.past);
    this.ask();
  }

  async ask() {
    const { tag } = this.signal;
    const fan = await get(`/api/fan?loop=${encodeURIComponent(this.loop)}&tag=${encodeURIComponent(tag)}`).catch(() => null);
    if (!this.plot || tag !== this.signal.tag) return;
    this.fan = fan;
    this.title.title = fan?.checked ? t("Fan: 90 % of {count} earlier predictions came true inside it", { count: fan.checked }) : t("Fan: not enough predictions checked yet");
    this.update(this.past);
  }

  size() { return { width: Math.max(200, this.chart.clientWidth), height: Math.max(60, this.chart.clientHeight) }; }

  options() {
    const axis = { stroke: INK, grid: { stroke: "#c9cccf", width: 1 }, ticks: { show: false }, font: "13px sans-serif" };
    const line = (stroke, more) => ({ stroke, width: 1.3, spanGaps: true, points: { show: false }, ...more });
    return {
      ...this.size(), padding: [6, 18, 0, 0], cursor: { show: false }, legend: { show: false }, scales: { x: { time: false } },
      axes: [
        { ...axis, size: 22, space: 84, values: (_, ticks) => ticks.map((x) => (x === 0 ? t("now") : `${x > 0 ? "+" : "−"}${Math.abs(x)} min`)) },
        { ...axis, size: 54 },
      ],
      series: [{}, line(INK, { width: 1.8, spanGaps: false }), line(PLAN, { width: 1.8, dash: [6, 4] }), line("#0000", {}), line("#0000", {}),
        line(GHOST, { width: 1.4, dash: [3, 3] }), line(GHOST, { width: 1.4, dash: [3, 3] }), line(SOFT), line(LIMIT, { dash: [10, 5] }), line(LIMIT, { dash: [10, 5] })],
      bands: [{ series: [4, 3], fill: "#1c4f7c26" }],
    };
  }

  update(past) {
    if (!past?.length || !this.plot) return;
    const now = past.t.at(-1);
    const minutes = (seconds) => (seconds - now) / 60;
    const points = new Map();
    const put = (x, column, y) => {
      if (y === null || y === undefined) return;
      const key = Math.round(x * 600) / 600;
      if (!points.has(key)) points.set(key, new Array(COLUMNS).fill(null));
      points.get(key)[column] = y;
    };
    const own = past.signals[this.signal.tag];
    for (let i = past.since(WINDOW_MIN * 60); own && i < past.length; i += 1) {
      const x = minutes(past.t[i]);
      put(x, 0, own.value[i]);
      if (this.kind === "cvs") put(x, 6, own.target[i]);
      put(x, 7, own.low[i]);
      put(x, 8, own.high[i]);
    }
    const course = past.latest?.predicted?.[this.signal.tag];
    course?.t.forEach((time, i) => {
      put(minutes(time), 1, course.y[i]);
      for (const column of [6, 7, 8]) if (own && !(column === 6 && this.kind !== "cvs")) put(minutes(time), column, own[["target", "low", "high"][column - 6]].at(-1));
    });
    if (course && this.fan?.lead_s.length) {
      this.fan.lead_s.forEach((lead, i) => {
        put(minutes(course.t[i]), 2, course.y[i] + this.fan.low[i]);
        put(minutes(course.t[i]), 3, course.y[i] + this.fan.high[i]);
      });
    }
    (this.fan?.ghosts ?? []).slice(0, 2).forEach((ghost, g) => ghost.t.forEach((time, i) => put(minutes(time), 4 + g, ghost.y[i])));
    const xs = [...points.keys()].filter((x) => x >= -WINDOW_MIN).sort((a, b) => a - b);
    const columns = Array.from({ length: COLUMNS }, (_, c) => xs.map((x) => points.get(x)[c]));
    this.hideFarLimits(columns);
    this.gaps(columns[0], xs, own, minutes);
    this.plot.setData([xs, ...columns]);
  }

  // A point in time that belongs to a prediction only is no gap in the past; a bad reading is one.
  gaps(values, xs) {
    let last = null;
    for (let i = 0; i < xs.length && xs[i] <= 0; i += 1) {
      if (values[i] === null && last !== null) values[i] = undefined; // uPlot: undefined is bridged
      else last = values[i];
    }
  }

  // A limit far from the signal would flatten the curve; it is drawn once the signal comes near.
  hideFarLimits(columns) {
    const values = [columns[0], columns[1], columns[6]].flat().filter((v) => v !== null);
    if (!values.length) return;
    const low = Math.min(...values);
    const reach = Math.max(Math.max(...values) - low, Math.abs(low) * 0.02);
    for (const c of [7, 8]) {
      const limit = columns[c].findLast((v) => v !== null);
      if (limit !== undefined && (limit < low - 3 * reach || limit > low + 4 * reach)) columns[c].fill(null);
    }
  }
}
