// The interlock simulator: play with inputs and wishes, and see what the gate would say.
import { h, table } from "/static/dom.js";
import { post } from "/static/api.js";
import { actionWords, digits } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { ruleList } from "/static/gate.js";
import { firstLoop, pickLoop } from "/static/pick.js";
import { store } from "/static/store.js";

export async function interlock(root, [name]) {
  const loop = name ?? firstLoop();
  const spec = store.line.loops[loop];
  const asked = { loop, inputs: {}, setpoints: {}, mode: null, closed: false };
  const rules = ruleList();
  const verdict = h("h2");
  const moves = h("div");
  const draw = (answer) => {
    verdict.textContent = `${actionWords(answer.now.action)} · ${t("Mode: {mode}", { mode: answer.now.mode })} · ${answer.now.writes ? t("would write") : t("writes nothing")}`;
    verdict.className = { CLAMP: "warn", HOLD: "warn", SHED: "alarm", TRIP: "alarm" }[answer.now.action] ?? "";
    rules.draw(answer.now.reasons, spec);
    moves.replaceChildren(table([t("Setpoint"), t("Requested"), t("After gate"), t("Unit")], answer.now.moves.map((mv) => {
      const s = spec.mvs.find((one) => one.tag === mv.tag);
      return [label(s.label), digits(mv.requested), digits(mv.allowed), s.unit];
    })));
  };
  let running = null;
  const play = async () => {
    const mine = running = post("/api/interlock", asked);
    try { const answer = await mine; if (mine === running) draw(answer); }
    catch (error) { verdict.textContent = `▲ ${error.message}`; verdict.className = "alarm"; }
  };
  const first = await post("/api/interlock", asked);
  root.append(
    h("p", {}, t("The last recorded cycle is judged again with your inputs, by the gate's own function. Nothing is sent.")),
    h("div", { class: "controls" }, pickLoop(loop, (one) => { location.hash = `#/engineering/interlock/${one}`; }), modeChoice(asked, play), closedChoice(asked, play),
      h("button", { onclick: () => dispatchEvent(new HashChangeEvent("hashchange")) }, t("Start again"))),
    h("div", { class: "columns" },
      h("section", { class: "panel scroll" }, h("h2", {}, t("Wishes")), table([t("Setpoint"), t("PLC uses"), t("Wish"), t("Unit")], first.setpoints.map((s) => [label(s.label), digits(s.applied), number(s.label, s.wish, (v) => { if (v === null) delete asked.setpoints[s.tag]; else asked.setpoints[s.tag] = v; play(); }), s.unit])),
        h("h2", {}, t("Inputs")), table([t("Signal"), t("Value"), t("Unit"), t("Dead")], order(first.inputs).map((one) => inputRow(one, asked, play)))),
      h("section", { class: "panel" }, verdict, moves, rules.box)));
  draw(first);
}

const order = (inputs) => [...inputs].sort((a, b) => Number(b.critical) - Number(a.critical));

function inputRow(one, asked, play) {
  const set = (value, dead) => { asked.inputs[one.tag] = { value, dead }; play(); };
  const now = { value: one.value, dead: false };
  const name = label(one.label);
  const field = typeof one.value === "boolean"
    ? h("input", { type: "checkbox", checked: one.value, "aria-label": name, onchange: (event) => { now.value = event.target.checked; set(now.value, now.dead); } })
    : number(name, one.value, (v) => { now.value = v; set(v, now.dead); });
  const dead = h("input", { type: "checkbox", "aria-label": `${name}: ${t("Dead")}`, onchange: (event) => { now.dead = event.target.checked; set(now.value, now.dead); } });
  return [one.critical ? h("b", {}, name) : name, field, one.unit, dead];
}

function number(name, value, change) {
  return h("input", { type: "number", step: "any", value: value === null ? "" : Number(value.toPrecision(6)), "aria-label": label(name), onchange: (event) => change(event.target.value === "" ? null : Number(event.target.value)) });
}

function modeChoice(asked, play) {
  const select = h("select", { onchange: () => { asked.mode = select.value || null; play(); } }, [["", t("as recorded")], ["OFF", "OFF"], ["SHADOW", "SHADOW"], ["AUTO", "AUTO"]].map(([value, text]) => h("option", { value }, text)));
  return h("label", {}, t("Mode asked for"), select);
}

function closedChoice(asked, play) {
  return h("label", {}, t("As if in AUTO before"), h("input", { type: "checkbox", onchange: (event) => { asked.closed = event.target.checked; play(); } }));
}
