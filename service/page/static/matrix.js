// CVs, MVs and DVs of a loop as the lists an APC operator knows.
import { h, put } from "/static/dom.js";
import { age, digits, named, quality, short, span } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { dataAge, store } from "/static/store.js";

export function matrix(name, loop, choose) {
  const cvs = list(t("Controlled (CV)"), [t("Now"), t("Unit"), t("Quality · age"), t("Target"), t("Active limits"), t("Configured"), t("Pred. end"), t("Constraint")], loop.cvs, "cvs", choose);
  const mvs = list(t("Manipulated (MV)"), [t("Requested"), t("Unit"), t("After gate"), t("Read back"), t("Active limits"), t("Configured"), t("Pred. end"), t("Gate")], loop.mvs, "mvs", choose);
  const dvs = grid(loop);
  return {
    box: h("div", { class: `matrix ${loop.mvs.length > 8 ? "many" : ""}` }, cvs.box, mvs.box, dvs.box),
    draw(frame) {
      frame.cvs.forEach((cv, i) => drawCv(cvs.rows[i], cv, loop.cvs[i], frame));
      frame.mvs.forEach((mv, i) => drawMv(mvs.rows[i], mv, loop.mvs[i], frame));
      dvs.draw(frame);
    },
    mark(tags) {
      for (const { signal, row } of [...cvs.list, ...mvs.list]) row.setAttribute("aria-selected", String(tags.includes(signal.tag)));
    },
  };
}

function list(title, heads, signals, kind, choose) {
  const made = signals.map((signal) => {
    const cells = heads.map(() => h("td"));
    const row = h("tr", {}, h("th", { scope: "row" }, h("button", { class: "plain", title: t("Show in the trend"), onclick: () => choose(signal, kind) }, named(signal))), cells);
    row.addEventListener("click", () => choose(signal, kind));
    return { signal, row, cells };
  });
  const box = h("table", { class: kind }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, title), heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, made.map((one) => one.row)));
  return { box, list: made, rows: made.map((one) => one.cells) };
}

function set(cells, texts, kinds = {}) {
  texts.forEach((text, i) => { put(cells[i], text); cells[i].className = kinds[i] ?? ""; });
}

function drawCv(cells, cv, signal, frame) {
  const state = quality(cv.quality, cv.reason);
  const value = cv.value ?? cv.estimate;
  const side = outside(value, cv);
  const end = outside(cv.end, cv);
  const bound = frame.binding.find((text) => text.startsWith(`${signal.tag} `));
  const given = frame.gave_up.find((one) => one.tag === signal.tag);
  const text = given ? `△ ${t("gave up")}` : side ? `△ ${side}` : bound ? t("binding") : "–";
  set(cells, [
    digits(value), signal.unit, `${state.mark} ${state.word}${cv.age_s === null ? "" : ` · ${age(cv.age_s + (dataAge(frame.loop) ?? 0))}`}`.trim(),
    short(cv.target), span([cv.low, cv.high]), span([signal.low, signal.high]), `${end ? "△ " : ""}${digits(cv.end)}`, text,
  ], { 0: `now ${state.kind}`, 2: state.kind, 6: end ? "warn" : "", 7: given || side ? "warn" : "" });
  cells[2].title = cv.reason ?? "";
}

function outside(value, cv) {
  if (value === null || value === undefined) return "";
  if (cv.low !== null && value < cv.low) return t("below limit");
  if (cv.high !== null && value > cv.high) return t("above limit");
  return "";
}

function drawMv(cells, mv, signal, frame) {
  const acted = frame.reasons.filter((r) => r.tag === mv.tag && r.action !== "ALLOW");
  const bound = frame.binding.some((text) => text.startsWith(`${signal.tag} `));
  const writes = ["AUTO", "HOLD", "INIT"].includes(frame.mode);
  const text = acted.length ? `△ ${acted.map((r) => r.rule).join(" ")}` : frame.action === "ALLOW" || frame.action === "CLAMP" ? (bound ? t("binding") : t("✓ passed")) : "–";
  set(cells, [
    digits(mv.requested), signal.unit, digits(mv.allowed), `${digits(mv.landed ?? mv.applied)}${writes && mv.landed === null ? " △" : ""}`,
    span(mv.held), span(signal.operating), digits(mv.end), text,
  ], { 0: "now", 2: acted.length ? "warn" : "", 7: acted.length ? "warn" : "" });
  cells[3].title = mv.landed === null ? t("Active setpoint as the PLC reports it") : t("Read back after the write");
  cells[7].title = acted.map((r) => r.text).join("\n");
}

function grid(loop) {
  const made = loop.dvs.map((signal) => {
    const value = h("b");
    const state = h("span", { class: "soft" });
    return { signal, value, state, row: h("div", { class: "dv" }, h("span", { class: "name" }, named(signal)), value, h("span", { class: "unit" }, signal.unit), state) };
  });
  const box = h("div", { class: "dvs", role: "group", "aria-label": t("Disturbances (DV)") }, h("h2", { class: "label" }, t("Disturbances (DV)")), h("div", { class: "grid" }, made.map((one) => one.row)));
  const draw = (frame) => frame.dvs.forEach((dv, i) => {
    const { value, state, row, signal } = made[i];
    const how = quality(dv.quality, dv.reason);
    const phase = signal.tag.endsWith(".phase") ? store.line.loops[frame.loop].phases[dv.value] : null;
    put(value, phase ? label(phase) : Number.isInteger(dv.value) && !signal.unit ? String(dv.value) : digits(dv.value));
    put(state, `${how.mark ? `${how.mark} ${how.word} · ` : ""}${age(dv.age_s === null ? null : dv.age_s + (dataAge(frame.loop) ?? 0))}`);
    row.className = `dv ${how.kind}`;
    row.title = `${how.word}${dv.reason ? `: ${dv.reason}` : ""}`;
  });
  return { box, draw };
}
