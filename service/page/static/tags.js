// Tag diagnostics: address, checks, what was read, what failed lately.
import { h, table } from "/static/dom.js";
import { get } from "/static/api.js";
import { age, digits, quality, span } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { firstLoop, pickLoop } from "/static/pick.js";

export async function tags(root, [name]) {
  const loop = name ?? firstLoop();
  const rows = await get(`/api/tags?loop=${encodeURIComponent(loop)}`);
  rows.sort((a, b) => a.quality - b.quality || b.bad - a.bad);
  root.append(h("div", { class: "controls" }, pickLoop(loop, (one) => { location.hash = `#/engineering/tags/${one}`; })),
    h("div", { class: "scroll" }, table([t("Signal"), t("Tag"), t("Value"), t("Unit"), t("Quality"), t("Age"), t("Bad, last {count}", { count: rows[0]?.cycles ?? 0 }), t("Valid range"), t("Frozen after"), t("On the wire"), t("Connection"), t("Address")], rows.map((one) => {
      const state = quality(one.quality, one.reason);
      return [label(one.label), one.tag, typeof one.value === "number" ? digits(one.value) : String(one.value ?? "–"), one.unit, h("td", { class: state.kind }, `${state.mark} ${state.word}${one.reason ? `: ${one.reason}` : ""}`), age(one.age_s), String(one.bad), span(one.valid), one.frozen_after ? t("{count} cycles", { count: one.frozen_after }) : "–", one.wire === null ? "–" : digits(one.wire), `${one.source} · ${one.epoch}`, h("span", { class: "hash" }, one.address)];
    }))));
}
