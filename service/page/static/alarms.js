// The alarm list: what is standing, what it means, what to do; acknowledge and shelve.
import { h, table } from "/static/dom.js";
import { post } from "/static/api.js";
import { form, say } from "/static/dialogs.js";
import { clock } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { alarmText } from "/static/banner.js";
import { store, watch } from "/static/store.js";

export function alarms(root) {
  const box = h("div", { class: "sheet" });
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
  if (!rows.length) return [h("p", {}, t("Alarms: none"))];
  return [table([t("Since"), t("Priority"), t("Alarm"), t("State"), t("Consequence"), t("What to do"), ""], rows.map((a) => [
    clock(a.since), t(a.priority), alarmText(a), t(a.state), label(a.consequence ?? "–"), label(a.action ?? "–"),
    h("td", {}, h("button", { onclick: () => act(a, "acknowledge") }, t("Acknowledge")), " ",
      a.state === "SHELVED" ? h("button", { onclick: () => act(a, "unshelve") }, t("Unshelve")) : h("button", { onclick: () => shelve(a) }, t("Shelve"))),
  ]), { class: "list" })];
}

async function act(alarm, what, more = {}) {
  try {
    say((await post(`/api/alarms/${encodeURIComponent(alarm.id)}/${what}`, more)).text ?? t("Done"));
  } catch (error) { say(`▲ ${error.message}`); }
}

async function shelve(alarm) {
  await form(t("Shelve an alarm"), [
    { name: "why", label: t("Reason"), max: 300 },
    { name: "minutes", label: t("Minutes, at most 480"), type: "number" },
  ], { meaning: alarmText(alarm), confirm: t("Shelve"), send: async (typed) => act(alarm, "shelve", { why: typed.why, minutes: Number(typed.minutes) }) });
}
