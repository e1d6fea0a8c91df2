import { h } from "/static/dom.js";
import { t } from "/static/i18n.js";

export async function exports_(root) { root.append(h("p", {}, t("not available"))); }
