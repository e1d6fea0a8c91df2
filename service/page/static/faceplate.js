// Level 2: one loop. Answers, without scrolling: which mode and why, what limits, what gave up and
// why, what the gate did now and in the last ten minutes, how good the predictions were.
import { h, put, show } from "/static/dom.js";
import { off, wish } from "/static/dialogs.js";
import { digits, MODE_MARK, percent, age, named } from "/static/format.js";
import { label, t, word } from "/static/i18n.js";
import { gaveUp, keyOf, limitedBy, modeReason } from "/static/words.js";
import { matrix } from "/static/matrix.js";
import { gatePanel } from "/static/gate.js";
import { Trend } from "/static/trend.js";
import { offered } from "/static/limit_acts.js";
import { isStale, store, watch } from "/static/store.js";

export function faceplate(root, [name]) {
  const loop = store.line.loops[name];
  if (!loop) { root.append(h("p", {}, t("There is no such loop."))); return null; }
  const past = store.loops.get(name);
  const top = heading(name, loop);
  const answers = answerStrip(loop);
  const trends = ["cvs", "mvs"].filter((kind) => loop[kind].length).map((kind) => new Trend(name, loop[kind][0], kind));
  const rows = matrix(name, loop, (signal, kind) => { trends.find((trend) => trend.kind === kind).select(signal); mark(); });
  const gate = gatePanel(name, loop);
  const mark = () => rows.mark(trends.map((trend) => trend.signal.tag));
  root.append(
    h("section", { class: "left" }, top.box, answers.box, rows.box),
    h("section", { class: "right" }, trends.map((trend) => trend.box), gate.box),
  );
  mark();
  for (const trend of trends) trend.open(past);
  const draw = () => {
    root.classList.toggle("stale", isStale(name));
    const frame = past.latest;
    if (!frame) return;
    top.draw(frame);
    answers.draw(frame, past);
    rows.draw(frame);
    gate.draw(frame, past);
  };
  draw();
  const stop = watch((what, which) => {
    if (what === "frame" && which !== name) return;
    draw();
    if (what === "frame") for (const trend of trends) trend.update(past);
  });
  return () => { stop(); for (const trend of trends) trend.close(); };
}

function heading(name, loop) {
  const mode = h("span", { class: "mode", role: "status" });
  const asked = h("span", { class: "asked" });
  const why = h("p", { class: "why" });
  const buttons = ["OFF", "SHADOW", "AUTO"].map((word) =>
    h("button", { "data-mode": word, ...offered(word === "OFF" ? "off" : "mode"), onclick: () => (word === "OFF" ? off(name) : wish(name, word)) }, word));
  const reset = h("button", { "data-reset": true, title: t("Clear a latched trip; the cause must be gone"), ...offered("reset"), onclick: () => wish(name, "OFF", true) }, t("Reset"));
  const box = h("div", { class: "head" },
    h("div", { class: "title" }, h("h1", {}, label(loop.title)), mode, asked),
    h("div", { class: "buttons", role: "group", "aria-label": t("Mode of {loop}", { loop: label(loop.title) }) }, buttons, reset),
    why);
  const draw = (frame) => {
    put(mode, `${MODE_MARK[frame.mode] ?? ""}${frame.mode}`);
    mode.dataset.mode = frame.mode;
    put(asked, `${t("Requested: {mode}", { mode: frame.requested })}${frame.who ? ` · ${t("by {who}", { who: frame.who })}` : ""}`);
    const differs = frame.requested !== frame.mode;
    put(why, differs ? `△ ${t("Why not {mode}: {reason}", { mode: frame.requested, reason: modeReason(frame) })}` : t("Mode is the requested one"));
    why.classList.toggle("warn", differs);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.mode === frame.requested));
    show(reset, true);
    reset.classList.toggle("strong", frame.mode === "TRIPPED");
  };
  return { box, draw };
}

function answerStrip(loop) {
  const make = (title) => { const body = h("div", { class: "body" }); return { body, box: h("div", { class: "answer" }, h("h2", { class: "label" }, title), body) }; };
  const main = keyOf(loop);
  const key = make(named(main.signal));
  key.box.classList.add("key");
  const limited = make(t("Limited by"));
  const gave = make(t("Gave up"));
  const solver = make(t("Solver"));
  const factor = make(t("Service factor"));
  const box = h("div", { class: "answers" }, [key, limited, gave, solver, factor].map((one) => one.box));
  const draw = (frame, past) => {
    key.body.replaceChildren(h("b", {}, digits(main.value(frame))), " ", main.signal.unit);
    const limits = limitedBy(frame, loop);
    lines(limited.body, limits.length ? limits : [t("nothing")]);
    const given = gaveUp(frame, loop);
    lines(gave.body, given.length ? given.map((one) => one.text) : [t("nothing")]);
    gave.body.classList.toggle("warn", given.length > 0);
    if (given[0]?.why) gave.body.append(h("p", { class: "small" }, given[0].why));
    const well = frame.status === "solved" || frame.status === "not-asked";
    lines(solver.body, [`${well ? "" : "△ "}${word(frame.status)}`, frame.status === "not-asked" ? "–" : `${digits(frame.solve_ms)} ms`, ...(frame.late ? [`△ ${t("cycle late")}`] : [])]);
    solver.body.classList.toggle("warn", !well);
    solver.box.title = frame.notes.join("\n");
    const service = past.serviceFactor();
    lines(factor.body, [percent(service.share), t("in AUTO, last {age}", { age: age(service.seconds) })]);
  };
  return { box, draw };
}

function lines(body, texts) {
  const text = texts.join("\n");
  if (body.dataset.text === text && body.childElementCount === texts.length) return;
  body.dataset.text = text;
  body.replaceChildren(...texts.map((one) => h("p", {}, one)));
}
