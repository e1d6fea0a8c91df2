// The gate as an ordered list of rules: passed, clamped, tripped; and what it changed lately.
import { h, put } from "/static/dom.js";
import { actionWords, clock, digits } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { reasonText, ruleTitle, signalsOf } from "/static/words.js";
import { store } from "/static/store.js";

const MARK = { CLAMP: "△", HOLD: "△", SHED: "▲", TRIP: "▲" };
const KIND = { CLAMP: "warn", HOLD: "warn", SHED: "alarm", TRIP: "alarm" };
const TEN_MINUTES = 600;

export function gatePanel(name, loop) {
  const verdict = h("p", { class: "verdict" });
  const rules = ruleList();
  const changed = h("ul", { class: "changed" });
  const box = h("div", { class: "gate" },
    h("h2", { class: "label" }, t("Safety gate"), " ", verdict), rules.box,
    h("h2", { class: "label" }, t("What the gate changed in the last 10 minutes")), changed);
  const draw = (frame, past) => {
    const writes = !["OFF", "SHADOW"].includes(frame.mode);
    put(verdict, `${writes ? "" : `${t("Writes nothing. Would be:")} `}${actionWords(frame.action)}`);
    verdict.className = `verdict ${KIND[frame.action] ?? ""}`;
    rules.draw(frame.action === null ? null : frame.reasons, loop);
    drawChanged(changed, past.changes(TEN_MINUTES), loop);
  };
  return { box, draw, name };
}

// All rules in the order they are judged; used by the interlock simulator too.
export function ruleList() {
  const made = store.line.rules.map((rule) => {
    const mark = h("span", { class: "mark", "aria-hidden": "true" }, "·");
    const text = h("span", {}, ruleTitle(rule.id));
    return { rule, mark, text, row: h("li", {}, mark, h("span", { class: "id" }, rule.id), text) };
  });
  const box = h("ol", { class: "rules" }, made.map((one) => one.row));
  const draw = (reasons, loop) => {
    for (const { rule, mark, text, row } of made) {
      const hit = reasons?.filter((r) => r.rule === rule.id && r.action !== "ALLOW") ?? [];
      const worst = hit[0];
      put(mark, reasons === null ? "·" : worst ? MARK[worst.action] : "✓");
      put(text, worst ? reasonText({ ...worst, rule: "" }, loop).trim() : ruleTitle(rule.id));
      row.className = worst ? KIND[worst.action] : "";
      row.title = worst ? `${ruleTitle(rule.id)}\n${hit.map((r) => reasonText(r, loop)).join("\n")}` : ruleTitle(rule.id);
    }
  };
  return { box, draw };
}

function drawChanged(list, changes, loop) {
  const rows = changes.slice(0, 20).map((one) => {
    const signal = signalsOf(loop).find((s) => s.tag === one.tag);
    const moved = one.move && one.move[0] !== one.move[1] && one.move[0] !== null ? ` ${digits(one.move[0])} → ${digits(one.move[1])} ${signal?.unit ?? ""}` : "";
    return h("li", { class: KIND[one.action] ?? "" },
      h("a", { href: `#/records/explain/${one.id}`, title: one.text },
        `${MARK[one.action] ?? ""} ${clock(one.utc)} ${one.count > 1 ? `×${one.count} ` : ""}${one.rule} ${signal ? label(signal.label) : ""}${moved || `: ${one.text}`}`));
  });
  list.replaceChildren(...(rows.length ? rows : [h("li", { class: "soft" }, t("Nothing: every plan passed unchanged"))]));
}
