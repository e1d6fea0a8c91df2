import { tabs } from "/static/tabs.js";
import { t } from "/static/i18n.js";
import { limits } from "/static/limits.js";
import { tags } from "/static/tags.js";
import { model } from "/static/model.js";
import { whatIf } from "/static/whatif.js";
import { interlock } from "/static/interlock.js";

// Level 3: for the engineer. Looking needs no right; what changes something asks for one.
export function engineering(root, [sheet = "limits", ...rest]) {
  return tabs(root, "engineering", sheet, rest, [
    ["limits", t("Limits"), limits], ["tags", t("Tags"), tags], ["model", t("Model card"), model],
    ["what-if", t("What if"), whatIf], ["interlock", t("Interlock simulator"), interlock],
  ]);
}
