// The model card: what controls this loop, with which numbers, named by which hashes.
import { h, table } from "/static/dom.js";
import { get } from "/static/api.js";
import { digits, short } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { facts } from "/static/explain.js";
import { firstLoop, pickLoop } from "/static/pick.js";

export async function model(root, [name]) {
  const loop = name ?? firstLoop();
  const card = await get(`/api/model?loop=${encodeURIComponent(loop)}`);
  root.append(h("div", { class: "controls" }, pickLoop(loop, (one) => { location.hash = `#/engineering/model/${one}`; })),
    h("div", { class: "columns" },
      h("section", { class: "panel" }, h("h2", {}, t("Controller")), facts([
        [t("Kind"), card.kind], [t("Solver"), card.solver ?? "–"], [t("Horizon"), t("{count} cycles", { count: card.horizon })], [t("Period"), `${card.period_s} s`],
        [t("Innovation (1: model is right)"), digits(card.innovation)], [t("Valid below"), card.validity ? t("{limit} for {count} cycles", { limit: card.validity.innovation, count: card.validity.cycles }) : "–"],
        ...Object.entries(card.hashes ?? {}).map(([key, hash]) => [t(key), h("span", { class: "hash" }, hash)])])),
      h("section", { class: "panel" }, h("h2", {}, t("Weights and ranks")),
        table([t("Controlled (CV)"), t("Rank"), t("Weight")], card.cvs.map((cv) => [label(cv.label), String(cv.rank), short(cv.weight)])),
        table([t("Manipulated (MV)"), t("Move weight")], card.mvs.map((mv) => [label(mv.label), short(mv.move_weight)]))),
      ...Object.entries(card.tables).map(([key, rows]) => h("section", { class: "panel scroll" }, h("h2", {}, { model: t("Parameters of the control model"), estimator: t("Settings of the estimator") }[key]),
        table([t("Parameter"), t("Value"), t("Unit"), t("Source")], rows.map((row) => [row.path, `${row.overridden ? "△ " : ""}${short(row.value)}`, row.unit, row.source]))))));
}
