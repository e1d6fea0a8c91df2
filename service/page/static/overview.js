// Level 1: the line as a process picture, and one card for each loop.
import { h, put } from "/static/dom.js";
import { digits, MODE_MARK, named, percent, quality } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { activeAlarms, alarmText } from "/static/banner.js";
import { keyOf, limitedBy, modeReason } from "/static/words.js";
import { spark } from "/static/spark.js";
import { drawLine } from "/static/picture.js";
import { isStale, store, watch } from "/static/store.js";

// Which signals belong to which piece of equipment; what a line does not have is left out.
const STAGES = [
  ["mixer", ["mixer.phase", "mixer.viscosity_25c", "mixer.temp", "mixer.torque", "mixer.anchor_sp"]],
  ["buffer", ["coater.feed_batch", "coater.feed_solids", "coater.feed_temp", "coater.pump_ratio_sp", "coater.pump_speed"]],
  ["coater", ["coater.line_speed", "coater.gap_sp", "coater.die_pressure", "coater.film_to_gap", "coater.web_length"]],
  ["oven", ["coater.oven_zone1_temp", "coater.oven_zone3_temp", "coater.oven_zone5_temp", "coater.oven_trim_sp", "coater.web_temp"]],
  ["gauge", ["coater.dry_coat_weight", "coater.profile_2sigma", "coater.residual_solvent", "coater.gauge_scan"]],
];
const titles = () => ({ mixer: t("Mixer"), buffer: t("Buffer tank"), coater: t("Coater"), oven: t("Oven"), gauge: t("Gauge") });

export function overview(root) {
  const stages = STAGES.map(([name, tags]) => stage(name, tags));
  const cards = Object.entries(store.line.loops).map(([name, loop]) => card(name, loop));
  root.append(
    h("h1", { class: "heard" }, t("Overview")),
    h("section", { class: "process", "aria-label": t("Process picture") }, drawLine(titles()), h("div", { class: "stages" }, stages.map((s) => s.box))),
    h("section", { class: "cards", "aria-label": t("Loops") }, cards.map((c) => c.box)),
  );
  const draw = (what, loop) => {
    for (const s of stages) s.draw();
    for (const c of cards) if (!loop || c.name === loop) c.draw();
  };
  draw();
  const stop = watch(draw);
  const timer = setInterval(draw, 2000); // data grows old without any event
  return () => { stop(); clearInterval(timer); };
}

function find(tag) {
  for (const [name, loop] of Object.entries(store.line.loops)) {
    for (const kind of ["cvs", "mvs", "dvs"]) {
      const at = loop[kind].findIndex((s) => s.tag === tag);
      if (at >= 0) return { loop: name, kind, at, signal: loop[kind][at] };
    }
  }
  return null;
}

function stage(name, tags) {
  const rows = tags.map(find).filter(Boolean).map((place) => {
    const value = h("b");
    const unit = h("span", { class: "unit" }, place.signal.unit);
    const row = h("a", { class: "reading", href: `#/loop/${encodeURIComponent(place.loop)}` }, h("span", {}, named(place.signal)), value, unit);
    return { ...place, value, row };
  });
  const draw = () => {
    for (const { loop, kind, at, value, row, signal } of rows) {
      const frame = store.loops.get(loop).latest;
      const reading = frame?.[kind][at];
      const shown = reading?.applied ?? reading?.value ?? reading?.estimate;
      const state = kind === "mvs" ? { mark: "", kind: "" } : quality(reading?.quality, reading?.reason);
      const stale = frame && isStale(loop);
      const text = signal.tag === "mixer.phase" ? label(store.line.loops[loop].phases[shown] ?? digits(shown))
        : Number.isInteger(shown) && !signal.unit ? String(shown) : digits(shown);
      put(value, `${state.mark}${text}`);
      row.className = `reading ${stale ? "stale" : state.kind}`;
      row.title = state.word ?? "";
    }
  };
  return { box: h("div", { class: `stage ${name}` }, h("h2", {}, titles()[name]), rows.map((r) => r.row)), draw };
}

function card(name, loop) {
  const main = keyOf(loop);
  const key = main.signal;
  const parts = {
    mode: h("span", { class: "mode" }), asked: h("span", { class: "soft" }), value: h("b"), target: h("span", { class: "soft" }),
    off: h("span", { class: "soft" }), factor: h("span", { class: "soft" }),
    limits: h("p"), alarm: h("p"), reason: h("p", { class: "warn" }),
  };
  const chart = spark();
  const box = h("a", { class: "card", href: `#/loop/${encodeURIComponent(name)}`, id: `card-${name}` },
    h("div", { class: "row" }, h("h2", {}, label(loop.title)), h("span", { class: "grow" }), parts.asked, parts.mode),
    h("div", { class: "row key" }, h("span", { class: "name" }, named(key)), parts.value, h("span", { class: "unit" }, key.unit)),
    h("div", { class: "row" }, parts.target, h("span", { class: "grow" }), parts.off),
    chart.box, parts.reason, parts.limits, parts.alarm);
  const draw = () => {
    const past = store.loops.get(name);
    const frame = past.latest;
    if (!frame) { put(parts.mode, "–"); put(parts.limits, t("No cycle recorded yet")); return; }
    const stale = isStale(name);
    box.classList.toggle("stale", stale);
    put(parts.mode, `${MODE_MARK[frame.mode] ?? ""}${frame.mode}`);
    parts.mode.dataset.mode = frame.mode;
    put(parts.asked, t("Requested: {mode}", { mode: frame.requested }));
    const cv = frame[main.kind][0];
    const value = main.value(frame);
    put(parts.value, `${quality(cv.quality, cv.reason).mark}${digits(value)}`);
    const aim = cv.target ?? cv.high ?? key.target ?? null;
    put(parts.target, (cv.target ?? null) === null && (cv.high ?? null) !== null ? t("High limit: {value}", { value: digits(aim) }) : t("Target: {value}", { value: digits(aim) }));
    put(parts.off, value !== null && cv.target ? t("Deviation: {value} %", { value: deviation(value, cv.target) }) : t("Service factor: {share}", { share: percent(past.serviceFactor().share) }));
    put(parts.reason, frame.requested === frame.mode ? "" : `△ ${modeReason(frame)}`);
    const limits = limitedBy(frame, loop);
    put(parts.limits, t("Limited by: {limits}", { limits: limits.length ? limits.join(", ") : t("nothing") }));
    const worst = activeAlarms().find((a) => a.loop === name);
    parts.alarm.className = worst ? "alarm" : "soft";
    put(parts.alarm, worst ? `▲ ${alarmText(worst)}` : store.alarms === null ? t("Alarm: not available") : t("Alarm: none"));
    chart.draw(past, key.tag);
  };
  return { name, box, draw };
}

function deviation(value, target) {
  const off = 100 * (value / target - 1);
  return `${off >= 0 ? "+" : "−"}${Math.abs(off).toFixed(2)}`;
}
