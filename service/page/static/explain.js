// Any setpoint explained from its record, in one click from the faceplate.
import { h, table } from "/static/dom.js";
import { get } from "/static/api.js";
import { actionWords, age, digits, named, quality, short } from "/static/format.js";
import { label, t, word } from "/static/i18n.js";
import { firstLoop, pickLoop } from "/static/pick.js";
import { ruleList } from "/static/gate.js";
import { gaveUp, limitedBy } from "/static/words.js";
import { store } from "/static/store.js";

export async function explain(root, [seq]) {
  const wanted = seq ?? store.loops.get(firstLoop()).id.at(-1);
  if (wanted === undefined) { root.append(h("p", {}, t("No cycle recorded yet"))); return; }
  const found = await get(`/api/explain/${encodeURIComponent(wanted)}`, "/api/explain/{seq}");
  root.append(steps(found), ...(found.cycle ? cycle(found) : [other(found)]), chain(found));
}

const go = (seq) => { location.hash = `#/records/explain/${seq}`; };

function steps(found) {
  const number = h("input", { type: "number", value: found.seq, min: 1 });
  const link = (seq, text) => h("button", { type: "button", disabled: seq === null || seq === undefined, onclick: () => go(seq) }, text);
  return h("form", { class: "controls", onsubmit: (event) => { event.preventDefault(); go(number.value); } },
    pickLoop(found.loop, (name) => go(store.loops.get(name).id.at(-1))),
    h("label", {}, t("Record"), number), h("button", {}, t("Explain")),
    found.cycle ? [link(found.cycle.before, t("← Cycle before")), link(found.cycle.after, t("Cycle after →"))] : null);
}

function cycle(found) {
  const { cycle: c } = found;
  const loop = store.line.loops[found.loop];
  const f = c.frame;
  const rules = ruleList();
  rules.draw(f.action === null ? null : f.reasons, loop);
  return [
    h("h2", {}, `${label(loop.title)} · ${found.utc} · ${t("Record {seq}", { seq: found.seq })}`),
    h("div", { class: "columns" },
      panel(t("What was written"), table([t("Setpoint"), t("Requested"), t("After gate"), t("Read back"), t("Unit")], f.mvs.map((mv, i) => [named(loop.mvs[i]), digits(mv.requested), digits(mv.allowed), digits(mv.landed), loop.mvs[i].unit])),
        facts([[t("Outcome"), `${word(c.written.outcome)} ${c.written.reason ?? ""}`], [t("Intent"), c.intent ? `${c.intent.seq} · ${c.intent.utc} · ${c.intent.hash.slice(0, 12)}` : t("none: nothing was sent")]])),
      panel(t("Who and under what"), facts([
        [t("Mode"), `${f.mode} (${t("Requested: {mode}", { mode: f.requested })})`],
        [t("Asked by"), c.request ? `${c.request.who} · ${c.request.utc} · ${c.request.why || "–"}` : f.who || "–"],
        [t("Limits"), found.seal ? `v${found.seal.version} · ${found.seal.author}: ${found.seal.reason}` : "–"],
        ...(found.seal?.signatures ?? []).map((one) => [t("Signature"), `${one.name}: ${one.meaning} (${one.utc})`]),
        ...Object.entries(c.hashes ?? {}).map(([name, hash]) => [t(name), h("span", { class: "hash" }, hash)]),
      ])),
      panel(t("What the controller found"), facts([
        [t("Solver"), `${word(f.status)} · ${digits(f.solve_ms)} ms · ${t("Iterations: {count}", { count: c.solver.iterations ?? "–" })}`],
        [t("Residual"), c.solver.residual?.toExponential(2) ?? "–"], [t("Cost"), c.solver.cost === null ? "–" : short(c.solver.cost)],
        [t("Innovation (1: model is right)"), digits(f.innovation)],
        [t("Limited by"), limitedBy(f, loop).join(", ") || t("nothing")],
        [t("Gave up"), gaveUp(f, loop).map((one) => `${one.text}. ${one.why}`).join("; ") || t("nothing")],
        [t("Notes"), f.notes.join("; ") || "–"],
      ]), table([t("Controlled (CV)"), t("Now"), t("Target"), t("Pred. end"), t("Unit")], f.cvs.map((cv, i) => [named(loop.cvs[i]), digits(cv.value ?? cv.estimate), short(cv.target), digits(cv.end), loop.cvs[i].unit]))),
      panel(`${t("Verdict of the gate")}: ${actionWords(f.action)}`, rules.box)),
    h("h2", {}, t("Inputs, as they were believed")),
    h("div", { class: "scroll" }, table([t("Signal"), t("Tag"), t("Value"), t("Unit"), t("Quality"), t("Age"), t("On the wire")], c.inputs.map((one) => [
      label(one.label), one.tag, value(one.value), one.unit, `${quality(one.quality, one.reason).mark} ${quality(one.quality, one.reason).word}${one.reason ? `: ${one.reason}` : ""}`, age(one.age_s), one.wire === null ? t("the same") : value(one.wire)]))),
  ];
}

const value = (one) => (typeof one === "number" ? digits(one) : one === null ? "–" : String(one));

function other(found) {
  return h("div", {}, h("h2", {}, `${t(found.kind)} · ${found.utc} · ${t("Record {seq}", { seq: found.seq })}`), h("pre", { class: "body-text", tabindex: 0 }, JSON.stringify(found.body, null, 1)));
}

function chain(found) {
  const row = (name, one) => [name, one ? h("a", { href: `#/records/explain/${one.seq}` }, `${one.seq}`) : "–", one ? t(one.kind) : "", one?.utc ?? "", h("span", { class: "hash" }, one?.hash ?? "")];
  return h("div", {}, h("h2", {}, `${t("Chain")}: ${found.chain.fits ? t("✓ the hash fits the content and the row before") : t("▲ the hash does not fit: this record was changed")}`),
    h("div", { class: "scroll" }, table([t("Row"), t("Record"), t("Kind"), "UTC", "SHA-256"], [row(t("before"), found.chain.before), row(t("this one"), found), row(t("after"), found.chain.after)])));
}

function panel(title, ...children) { return h("section", { class: "panel" }, h("h2", {}, title), children); }

export function facts(pairs) { return h("dl", { class: "facts" }, pairs.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])); }
