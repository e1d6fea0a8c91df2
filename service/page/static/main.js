// The shell: what is always there (head, alarm banner), and the level the address names.
import { h, put, show } from "/static/dom.js";
import { alarmBanner } from "/static/banner.js";
import { LANGUAGES, chooseLanguage, label, language, loadLanguage, t } from "/static/i18n.js";
import { say } from "/static/dialogs.js";
import { enter, signIn } from "/static/door.js";
import { engineTrouble, start, store, watch } from "/static/store.js";
import { overview } from "/static/overview.js";
import { fleet } from "/static/fleet.js";
import { faceplate } from "/static/faceplate.js";
import { alarms } from "/static/alarms.js";
import { engineering } from "/static/engineering.js";
import { records } from "/static/records.js";
import { account } from "/static/account.js";

const LEVELS = { "": overview, fleet, loop: faceplate, alarms, engineering, records, account };
const box = (id) => document.getElementById(id);
let close = () => {};

function route() {
  const [level = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  close();
  box("view").replaceChildren();
  box("view").className = level || "overview";
  close = (LEVELS[level] ?? overview)(box("view"), rest) ?? (() => {});
  for (const link of box("head").querySelectorAll("nav a")) {
    const here = link.hash === (location.hash || "#/") || (link.dataset.level === level && level !== "" && level !== "loop");
    if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
}

function places() {
  const loops = Object.entries(store.line.loops).map(([name, loop]) => [`#/loop/${encodeURIComponent(name)}`, label(loop.title), "loop"]);
  return [["#/", t("Overview"), ""], ...loops, ["#/alarms", t("Alarms"), "alarms"],
    ["#/engineering/limits", t("Engineering"), "engineering"], ["#/records/explain", t("Records"), "records"], ...(store.line.fleet ? [["#/fleet", t("Lines"), "fleet"]] : [])];
}

function head() {
  const { line, insecure, recipe } = store.line;
  document.title = `Rheostat · ${line.id}`;
  const nav = h("nav", { "aria-label": t("Levels") }, places().map(([href, text, level], i) =>
    h("a", { href, "data-level": level, title: i < 8 ? `F${i + 2}` : null }, text)));
  const other = Object.keys(LANGUAGES).find((name) => name !== language());
  box("head").replaceChildren(
    h("strong", { class: "brand", title: `${line.site} · ${label(recipe)}` }, line.id),
    nav,
    h("span", { class: "grow" }),
    insecure.length ? h("a", { class: "flag", id: "insecure", href: "#/engineering/tags", title: `${insecure.join(", ")}: ${t("the wire is neither signed nor encrypted. A bench, never a plant network.")}` }, `△ ${t("unencrypted")}`) : null,
    h("a", { id: "seal", href: "#/engineering/limits", hidden: true }),
    h("span", { id: "engine", role: "status" }),
    h("button", { id: "person", onclick: () => (store.session?.person ? location.hash = "#/account/me" : signIn()) }),
    h("button", { id: "language", lang: other, onclick: () => chooseLanguage(other) }, LANGUAGES[other]),
    h("time", { id: "clock" }, "--:--:--"),
  );
}

function showStatus() {
  const trouble = engineTrouble();
  put(box("engine"), store.status === null && store.reachable ? t("Engine: …")
    : { "": t("Engine: runs"), page: t("▲ Page: no server"), engine: t("▲ Engine: no answer"), records: t("▲ Records: cannot be read") }[trouble]);
  box("engine").className = trouble ? "alarm" : "";
  const seal = store.status?.seal;
  show(box("seal"), seal?.version !== undefined);
  if (seal) {
    const notices = seal.notices ?? [];
    put(box("seal"), `${notices.length ? "△ " : ""}${t("Limits: v{version}", { version: seal.version })}`);
    box("seal").className = notices.length ? "flag" : "";
    box("seal").title = [`${String(seal.sha256).slice(0, 12)} · ${seal.kind} · ${seal.author}`, ...notices].join("\n");
  }
  const person = store.session?.person;
  put(box("person"), person ? `${person.name} · ${t(person.role)}` : t("Sign in"));
  box("person").title = person ? t("My account") : "";
}

function keys(event) {
  const number = /^F([2-9])$/.exec(event.key)?.[1];
  if (!number || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
  const place = places()[number - 2];
  if (!place) return;
  event.preventDefault();
  location.hash = place[0];
}

async function run() {
  await loadLanguage();
  box("message").title = t("Message");
  await enter();
  await start();
  head();
  alarmBanner(box("banner"));
  watch((what) => {
    if (what === "line") { head(); route(); }
    if (what !== "frame") showStatus();
  });
  showStatus();
  route();
  addEventListener("hashchange", () => { route(); box("view").focus({ preventScroll: true }); });
  addEventListener("keydown", keys);
  setInterval(() => put(box("clock"), `${new Date(Date.now() + store.skewMs).toISOString().slice(11, 19)}Z`), 500);
}

run().catch((error) => say(`${t("The page could not start. Reload it.")} ${error.message}`));
