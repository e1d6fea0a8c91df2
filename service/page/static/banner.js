// The line under the head that is always there: is the data alive, and which alarm came first.
import { h } from "/static/dom.js";
import { age, clock } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { dataAge, engineTrouble, isStale, store, watch } from "/static/store.js";

export const SHAPE = { critical: "◆", high: "▲", medium: "△", low: "▽" };

export function alarmBanner(root) {
  const text = h("a", { href: "#/alarms", class: "text" });
  const counts = h("span", { class: "counts" });
  const data = h("span", { class: "data", role: "status" });
  root.setAttribute("aria-label", t("Alarms"));
  root.replaceChildren(text, h("span", { class: "grow" }), counts, data);
  const draw = () => {
    const found = standing();
    root.className = found.kind;
    if (text.textContent !== found.text) text.textContent = found.text;
    counts.textContent = found.counts;
    const old = oldest();
    data.className = `data ${old.stale ? "alarm" : ""}`;
    data.textContent = old.text;
  };
  watch(draw);
  setInterval(draw, 1000);
  draw();
}

// The most important thing to say: a dead engine before everything, then the first-out alarm.
function standing() {
  const dead = { page: t("▲ The page's server does not answer: what stands here is old"),
    engine: t("▲ The engine does not answer: the PLCs have their loops"),
    records: t("▲ The records cannot be read: what stands here is old") }[engineTrouble()];
  if (dead) return { text: dead, kind: "alarm", counts: "" };
  if (store.alarms === null) return { text: t("Alarms: not available"), kind: "", counts: "" };
  const open = activeAlarms();
  if (!open.length) return { text: t("Alarms: none"), kind: "", counts: shelvedCount() };
  const first = open.find((a) => a.first_out) ?? open[0];
  const many = open.filter((a) => a.unacknowledged).length;
  return {
    text: `${SHAPE[first.priority] ?? "▲"} ${clock(first.since)} ${alarmText(first)}`,
    kind: open.some((a) => ["critical", "high"].includes(a.priority)) ? "alarm" : "warn",
    counts: `${t("Active: {count}", { count: open.length })} · ${t("Not acknowledged: {count}", { count: many })}${shelvedCount() ? ` · ${shelvedCount()}` : ""}`,
  };
}

export function alarmText(alarm) {
  const place = alarm.loop && store.line.loops[alarm.loop] ? `${label(store.line.loops[alarm.loop].title)}: ` : "";
  const [title, about] = String(alarm.title ?? alarm.text ?? alarm.id).split(": ");
  const tag = /\.(?:limit|target)\.(.+)$/.exec(alarm.id)?.[1];
  const signal = tag && alarm.loop in store.line.loops ? store.line.loops[alarm.loop].cvs.find((s) => s.tag === tag) : null;
  return `${place}${t(title)}${signal ? `: ${label(signal.label)}` : about ? `: ${about}` : ""}`;
}

export function activeAlarms() {
  const rank = ["critical", "high", "medium", "low"];
  return (store.alarms?.alarms ?? [])
    .filter((a) => a.active || a.unacknowledged)
    .sort((a, b) => rank.indexOf(a.priority) - rank.indexOf(b.priority) || String(a.since).localeCompare(String(b.since)));
}

function shelvedCount() {
  const count = (store.alarms?.alarms ?? []).filter((a) => a.state === "SHELVED").length;
  return count ? t("Shelved: {count}", { count }) : "";
}

function oldest() {
  const names = Object.keys(store.line.loops);
  const stale = names.filter(isStale);
  if (!stale.length) {
    const newest = Math.min(...names.map((name) => dataAge(name)));
    return { stale: false, text: t("Data: {age} old", { age: age(newest) }) };
  }
  const worst = stale.map((name) => `${label(store.line.loops[name].title)} ${age(dataAge(name))}`).join(", ");
  return { stale: true, text: t("▲ Old data: {loops}", { loops: worst }) };
}
