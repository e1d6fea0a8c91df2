// One trend: the past, the present prediction, two earlier predictions (ghosts), target and limits.
import uPlot from "/static/vendor/uPlot.esm.js";

const WINDOW_MIN = 25;
const INK = "#22262a";
const SOFT = "#8a9096";
const LIMIT = "#6b4e2e";

export class Trend {
  constructor(box, signal) {
    this.box = box;
    this.signal = signal;
    this.plot = new uPlot(this.options(), [[], [], [], [], [], [], []], box);
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(box);
  }

  size() { return { width: Math.max(200, this.box.clientWidth), height: this.box.clientHeight }; }

  options() {
    const axis = { stroke: INK, grid: { stroke: "#d2d5d7", width: 1 }, ticks: { show: false }, font: "12px sans-serif" };
    return {
      ...this.size(),
      padding: [6, 22, 0, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { time: false } },
      axes: [
        { ...axis, size: 22, values: (_, ticks) => ticks.map((t) => (t === 0 ? "now" : `${t > 0 ? "+" : "−"}${Math.abs(t)} min`)) },
        { ...axis, size: 62, label: this.title(), labelSize: 16, labelFont: "12px sans-serif" },
      ],
      series: [
        {},
        { stroke: INK, width: 1.6, points: { show: false } },
        { stroke: "#1c4f7c", width: 1.6, dash: [6, 4], spanGaps: true, points: { show: false } },
        { stroke: "#7f9cb5", width: 1, dash: [2, 4], spanGaps: true, points: { show: false } },
        { stroke: SOFT, width: 1.2, spanGaps: true, points: { show: false } },
        { stroke: LIMIT, width: 1.2, dash: [10, 5], spanGaps: true, points: { show: false } },
        { stroke: LIMIT, width: 1.2, dash: [10, 5], spanGaps: true, points: { show: false } },
      ],
    };
  }

  title() { return this.signal.unit ? `${this.signal.label} [${this.signal.unit}]` : this.signal.label; }

  select(signal, past) {
    this.signal = signal;
    this.plot.destroy();
    this.plot = new uPlot(this.options(), [[], [], [], [], [], [], []], this.box);
    this.update(past);
  }

  update(past) {
    if (!past.length) return;
    const now = past.at(-1).t;
    const minutes = (t) => (t - now) / 60;
    const points = new Map();
    const put = (x, column, y) => {
      const key = Math.round(x * 600) / 600;
      if (!points.has(key)) points.set(key, [null, null, null, null, null, null]);
      points.get(key)[column] = y;
    };
    const kind = this.signal.cv ? "cvs" : "mvs";
    for (const frame of past) {
      const x = minutes(frame.t);
      if (x < -WINDOW_MIN) continue;
      const s = frame[kind].find((row) => row.tag === this.signal.tag);
      if (!s) continue;
      const bad = this.signal.cv && s.quality === 0;
      put(x, 0, this.signal.cv ? (bad ? null : s.value ?? s.estimate) : s.applied);
      put(x, 3, s.target ?? null);
      put(x, 4, s.low ?? null);
      put(x, 5, s.high ?? null);
    }
    this.course(past.at(-1), minutes, (x, y) => put(x, 1, y));
    this.course(past.at(-25), minutes, (x, y) => put(x, 2, y));
    const xs = [...points.keys()].sort((a, b) => a - b);
    const columns = [0, 1, 2, 3, 4, 5].map((c) => xs.map((x) => points.get(x)[c]));
    this.hideFarLimits(columns);
    this.plot.setData([xs, ...columns]);
  }

  course(frame, minutes, put) {
    const course = frame?.predicted?.[this.signal.tag];
    if (course) course.t.forEach((t, i) => put(minutes(t), course.y[i]));
  }

  // A limit far from the signal would flatten the curve; it is drawn once the signal comes near.
  hideFarLimits(columns) {
    const values = [columns[0], columns[1], columns[3]].flat().filter((v) => v !== null);
    if (!values.length) return;
    const low = Math.min(...values);
    const high = Math.max(...values);
    const reach = Math.max(high - low, Math.abs(high) * 0.02);
    for (const c of [4, 5]) {
      const limit = columns[c].findLast((v) => v !== null);
      if (limit !== undefined && (limit < low - 3 * reach || limit > high + 3 * reach)) columns[c].fill(null);
    }
  }
}
