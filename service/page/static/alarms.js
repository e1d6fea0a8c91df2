// The alarm list: what is standing, what it means, what to do; acknowledge, shelve, suppress.
import { h, table } from "/static/dom.js";
import { post } from "/static/api.js";
import { form, say } from "/static/dialogs.js";
import { clock, digits } from "/static/format.js";
import { t, word } from "/static/i18n.js";
import { alarmText, SHAPE } from "/static/banner.js";
import { may } from "/static/limit_acts.js";
import { store, watch } from "/static/store.js";

export function alarms(root) {
  const box = h("div", { class: "sheet alarms" });
  root.append(h("h1", {}, t("Alarms")), box);
  let shown = "";
  const draw = () => {
    const text = JSON.stringify(store.alarms);
    if (text === shown) return;
    shown = text;
    box.replaceChildren(...content());
  };
  draw();
  return watch((what) => { if (what === "status") draw(); });
}

function content() {
  if (store.alarms === null) return [h("p", {}, t("Alarms: not available"))];
  const rows = store.alarms.alarms.filter((a) => a.state !== "NORM");
  const list = rows.length
    ? h("div", { class: "scroll" }, table([t("Since"), t("Priority"), t("Alarm"), t("State"), t("Cause"), t("Consequence"), t("What to do"), t("Answer")], rows.map(line), { class: "list" }))
    : h("p", {}, t("Alarms: none"));
  return [list, figures(store.alarms.metrics ?? {})];
}

function line(a) {
  const live = a.unacknowledged ? { critical: "alarm", high: "alarm" }[a.priority] ?? "warn" : "";
  const minutes = a.response_min ? ` · ${t("within {minutes} min", { minutes: a.response_min })}` : "";
  return [
    clock(a.since), h("td", { class: live }, `${SHAPE[a.priority] ?? "▲"} ${word(a.priority)}`),
    h("td", {}, h("b", {}, alarmText(a)), a.text ? h("p", { class: "small" }, a.text) : null, a.first_out ? h("p", { class: "small" }, t("First of its group")) : null),
    h("td", {}, word(a.state), a.who ? h("p", { class: "small" }, `${a.who}${a.why ? `: ${a.why}` : ""}`) : null),
    word(a.cause), word(a.consequence), `${word(a.action)}${minutes}`, h("td", {}, h("div", { class: "controls" }, buttons(a))),
  ];
}

function buttons(a) {
  const button = (what, text, fields = []) => h("button", { onclick: () => act(a, what, text, fields) }, text);
  const why = { name: "why", label: t("Reason"), max: 300 };
  const minutes = { name: "minutes", label: t("Minutes, at most 480"), type: "number" };
  return [
    may("acknowledge") && a.unacknowledged ? button("acknowledge", t("Acknowledge")) : null,
    may("acknowledge") && a.state === "LTACK" ? button("reset", t("Reset")) : null,
    may("shelve") && a.state === "SHELVED" ? button("unshelve", t("Unshelve")) : null,
    may("shelve") && a.active && a.state !== "SHELVED" ? button("shelve", t("Shelve"), [why, minutes]) : null,
    may("suppress") && a.state === "OOSRV" ? button("unsuppress", t("Back in service")) : null,
    may("suppress") && a.active && a.state !== "OOSRV" ? button("suppress", t("Out of service"), [why]) : null,
  ];
}

async function act(alarm, what, title, fields) {
  const send = (typed) => post(`/api/alarms/${encodeURIComponent(alarm.id)}/${what}`, typed.minutes ? { ...typed, minutes: Number(typed.minutes) } : typed);
  try {
    const answer = fields.length ? (await form(title, fields, { meaning: alarmText(alarm), confirm: title, send }))?.answer : await send({});
    if (answer) say(answer.text ?? t("Done"));
  } catch (error) { say(`▲ ${error.message}`); }
}

// How the alarm system itself does (ISA-18.2): a list nobody can follow is no alarm system.
function figures(m) {
  if (m.standing === undefined) return "";
  const names = (list) => list.join(", ") || t("none");
  return h("div", {}, h("h2", {}, t("The alarm system itself")), h("dl", { class: "facts" }, [
    [t("Standing"), String(m.standing)],
    [t("In the last 10 minutes"), `${m.last_10_min}${m.flood ? ` · ▲ ${t("flood")}` : ""}`],
    [t("Average in 10 minutes"), digits(m.average_per_10_min)], [t("Most in 10 minutes"), String(m.peak_per_10_min)],
    [t("Standing for more than a day"), names(m.stale)], [t("Chattering"), names(m.chattering)],
    [t("Most frequent"), m.most_frequent.map(([name, count]) => `${name}: ${count}`).join(", ") || t("none")],
  ].map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])));
}
