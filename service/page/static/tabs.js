// The sheets of a level: a row of links, and the chosen sheet under it.
import { h } from "/static/dom.js";
import { t } from "/static/i18n.js";

export function tabs(root, level, chosen, rest, sheets) {
  const [name, , open] = sheets.find(([key]) => key === chosen) ?? sheets[0];
  const box = h("div", { class: `sheet ${name}` });
  const title = { engineering: t("Engineering"), records: t("Records"), account: t("Account") }[level];
  root.append(h("h1", { class: "heard" }, title), h("nav", { class: "tabs", "aria-label": t("Sheets") }, sheets.map(([key, title]) =>
    h("a", { href: `#/${level}/${key}`, "aria-current": key === name ? "page" : null }, title))), box);
  let closed = false;
  let close = () => {};
  const wait = h("p", { class: "soft" }, t("Loading …"));
  box.append(wait);
  Promise.resolve(open(box, rest)).then((done) => { wait.remove(); close = done ?? close; if (closed) close(); })
    .catch((error) => { wait.remove(); box.append(h("p", { class: "alarm" }, `▲ ${t("This sheet cannot be shown: {reason}", { reason: error.message })}`)); });
  return () => { closed = true; close(); };
}
