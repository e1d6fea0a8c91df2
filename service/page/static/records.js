import { tabs } from "/static/tabs.js";
import { t } from "/static/i18n.js";
import { explain } from "/static/explain.js";
import { trail } from "/static/trail.js";
import { heat } from "/static/heat.js";
import { kpi } from "/static/kpi.js";
import { exports_ } from "/static/exports.js";

// Level 4: what happened, and why.
export function records(root, [sheet = "explain", ...rest]) {
  return tabs(root, "records", sheet, rest, [
    ["explain", t("Explain a setpoint"), explain], ["trail", t("Audit trail"), trail], ["profile", t("Profile map"), heat],
    ["kpi", t("Key figures"), kpi], ["exports", t("Batches and exports"), exports_],
  ]);
}
