// Level 0: every line of the history server, one row a loop. What is not heard is unknown, not well.
import { h } from "/static/dom.js";
import { get } from "/static/api.js";
import { age, MODE_MARK, moment, percent } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { SHAPE } from "/static/banner.js";
import { store } from "/static/store.js";

const PERIOD_MS = 10000;
const heads = () => [[t("Line")], [t("Loop")], [t("Mode")], [t("Last cycle"), "number"], [t("AUTO, last 24 h"), "number"], [t("Off-spec share"), "number"],
  [t("Share clamped by the gate"), "number"], [t("Batch"), "number"], [t("Recipe")], [t("Equipment")], [t("Alarms")]];
// Why a line or a loop is unknown.
const reasons = () => ({ silent: t("not heard"), ahead: t("its clock is ahead"), empty: t("no cycle recorded yet"), unreadable: t("its history cannot be read") });

export function fleet(root) {
  const count = h("p", { role: "status" });
  const box = h("div", { class: "scroll" }, h("p", { class: "soft" }, t("Loading …")));
  root.append(h("h1", {}, t("Lines")), h("div", { class: "sheet fleet" }, count, box));
  let closed = false;
  let timer = 0;
  const draw = async () => {
    try {
      const { lines } = await get("/api/fleet");
      if (closed) return;
      count.className = "";
      count.textContent = summary(lines);
      box.replaceChildren(list(lines));
    } catch (error) {
      if (closed) return;
      count.className = "alarm";
      count.textContent = `▲ ${t("The lines are not known: {reason}", { reason: error.message })}`;
      box.replaceChildren(); // what stood here would look alive
    }
    timer = setTimeout(draw, PERIOD_MS);
  };
  draw();
  return () => { closed = true; clearTimeout(timer); };
}

function summary(lines) {
  const unknown = lines.filter((line) => line.state !== "heard").length;
  const alarmed = lines.filter((line) => line.state === "heard" && line.alarms.length).length;
  return [t("Lines: {count}", { count: lines.length }), t("unknown: {count}", { count: unknown }), t("with an alarm: {count}", { count: alarmed })].join(" · ");
}

function list(lines) {
  return h("table", { class: "list" }, h("thead", {}, h("tr", {}, heads().map(([head, kind]) => h("th", { scope: "col", class: kind }, head)))), lines.map(group));
}

function group(line) {
  const rows = line.loops.length ? line.loops : [null];
  return h("tbody", {}, rows.map((loop, i) => h("tr", { class: (loop ?? line).state === "heard" ? null : "stale" },
    i ? null : h("th", { scope: "rowgroup", rowspan: rows.length }, name(line)), loop ? cells(loop) : h("td", { colspan: 9 }, unknown(line)),
    i ? null : h("td", { rowspan: rows.length }, alarms(line)))));
}

function name(line) {
  const own = line.line === store.line.id;
  return [own ? h("a", { href: "#/" }, line.line) : line.line, h("p", { class: "small" }, [line.site, line.product].filter(Boolean).join(" · ")),
    line.state === "heard" || !line.last_utc ? null : h("p", { class: "small" }, t("Last heard {moment}", { moment: `${moment(line.last_utc)}Z` }))];
}

function unknown(one) { return h("span", { class: "warn" }, `△ ${t("Unknown: {why}", { why: reasons()[one.state] })}`); }

function cells(loop) {
  const mode = loop.state === "heard"
    ? [h("span", { class: "mode", "data-mode": loop.mode }, `${MODE_MARK[loop.mode] ?? ""}${loop.mode}`), loop.requested === loop.mode ? null : h("p", { class: "small" }, t("Requested: {mode}", { mode: loop.requested }))]
    : unknown(loop);
  return [
    h("td", {}, label(loop.title)), h("td", {}, mode), h("td", { class: "number" }, loop.age_s === null || loop.state === "ahead" ? "–" : age(Math.max(0, loop.age_s))),
    h("td", { class: "number" }, percent(loop.auto), loop.auto === null ? null : h("p", { class: "small" }, t("of {hours} h", { hours: loop.hours.toFixed(1) }))),
    h("td", { class: "number" }, percent(loop.off_spec)), h("td", { class: "number" }, percent(loop.clamped)),
    h("td", { class: "number" }, String(loop.batch ?? "–")), h("td", {}, loop.recipe || "–", loop.phase ? h("p", { class: "small" }, label(loop.phase)) : null), h("td", { class: "name" }, loop.equipment || "–"),
  ];
}

function alarms(line) {
  if (line.state !== "heard") return h("span", { class: "warn" }, `△ ${t("not known")}`);
  if (!line.alarms.length) return t("none");
  return line.alarms.slice(0, 3).map((a) => h("p", { class: ["critical", "high"].includes(a.priority) ? "alarm" : "warn" }, `${SHAPE[a.priority] ?? "▲"} ${title(a, line)}`))
    .concat(line.alarms.length > 3 ? h("p", { class: "small" }, t("and {count} more", { count: line.alarms.length - 3 })) : []);
}

function title(alarm, line) {
  const loop = line.loops.find((one) => one.loop === alarm.loop);
  const [text, about] = alarm.title.split(": ");
  return `${loop ? `${label(loop.title)}: ` : ""}${t(text)}${about ? `: ${about}` : ""}`;
}
