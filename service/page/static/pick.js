// The choice of a loop on a sheet.
import { h } from "/static/dom.js";
import { label, t } from "/static/i18n.js";
import { store } from "/static/store.js";

export function pickLoop(chosen, change) {
  const names = Object.keys(store.line.loops);
  const select = h("select", { onchange: () => change(select.value) }, names.map((name) =>
    h("option", { value: name, selected: name === chosen }, label(store.line.loops[name].title))));
  return h("label", {}, t("Loop"), select);
}

export function firstLoop() { return Object.keys(store.line.loops)[0]; }
