// Batches and exports, as far as this server has them.
import { h, table } from "/static/dom.js";
import { get, has } from "/static/api.js";
import { may } from "/static/limit_acts.js";
import { lots } from "/static/lots.js";
import { t } from "/static/i18n.js";

export async function exports_(root, [batch = ""]) {
  if (/^\d+$/.test(batch)) { await lots(root, batch); return; }
  const batches = await get("/api/batches").catch(() => null);
  root.append(h("h2", {}, t("Batches")));
  if (batches === null) { root.append(h("p", {}, t("Batches: not available"))); return; }
  const rows = Array.isArray(batches) ? batches : batches.batches ?? [];
  if (!rows.length) { root.append(h("p", {}, t("No batch recorded yet"))); return; }
  const link = (id, what, text) => (has(`/api/batches/{id}/${what}`) || has(`/api/batches/{batch}/${what}`) ? [h("a", { href: `/api/batches/${encodeURIComponent(id)}/${what}`, target: "_blank", rel: "noopener" }, text), " "] : null);
  root.append(table([t("Batch"), t("Recipe"), t("From"), t("To"), t("Lots"), t("Exports")], rows.map((one) => [
    String(one.id ?? one.batch), one.recipe ?? "–", one.from ?? one.start ?? "–", one.to ?? one.end ?? "–",
    h("td", {}, h("a", { href: `#/records/exports/${one.id ?? one.batch}`, "aria-label": `${t("Lots")}: ${one.id ?? one.batch}` }, t("Lots"))),
    h("td", {}, link(one.id, "record", t("Record (JSON)")), link(one.id, "report", t("Report")), may("export") ? [link(one.id, "report.pdf", "PDF"), link(one.id, "export.csv", "CSV"), link(one.id, "export.parquet", "Parquet")] : null),
  ])));
}
