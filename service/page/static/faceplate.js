// One loop's faceplate: mode and why, key value, two trends (past and prediction), signals, gate.
import { Trend } from "/static/trend.js";

const QUALITY = ["▲ bad", "△ uncertain", ""];
const ACTIONS = {
  ALLOW: "✓ passed unchanged", CLAMP: "△ clamped", HOLD: "△ holding the last confirmed setpoint",
  SHED: "▲ shed: the PLC has the loop", TRIP: "▲ tripped",
};

const MANY = 6; // setpoints; a faceplate with more starts as one line

export function digits(value, unit) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

export class Faceplate {
  constructor(root, name, loop, request) {
    this.name = name;
    this.signals = [...loop.cvs.map((s) => ({ ...s, cv: true })), ...loop.mvs.map((s) => ({ ...s, cv: false }))];
    this.past = [];
    const piece = document.getElementById("loop").content.cloneNode(true);
    this.box = piece.querySelector("section");
    this.box.id = `loop-${name}`;
    this.find(".head h2").textContent = loop.title;
    this.find(".buttons").setAttribute("aria-label", `Mode of ${loop.title}`);
    for (const button of this.box.querySelectorAll("button[data-mode]")) {
      button.onclick = () => request(name, button.dataset.mode, false);
    }
    this.find("button[data-reset]").onclick = () => request(name, "OFF", true);
    if (loop.mvs.length > MANY) this.fold();
    root.append(piece);
    this.rows = new Map(this.signals.map((s) => [s.tag, this.row(s)]));
    this.trends = {
      cv: new Trend(this.find(".chart.cv"), this.signals.find((s) => s.cv)),
      mv: new Trend(this.find(".chart.mv"), this.signals.find((s) => !s.cv)),
    };
    this.mark();
  }

  fold() { // many setpoints: one line, until somebody wants to see them
    const button = this.find("button[data-fold]");
    button.hidden = false;
    this.box.classList.add("wide", "folded");
    button.onclick = () => {
      const folded = this.box.classList.toggle("folded");
      button.setAttribute("aria-expanded", String(!folded));
      if (!folded && this.latest) this.draw(this.latest);
    };
  }

  find(selector) { return this.box.querySelector(selector); }

  row(signal) {
    const row = document.createElement("tr");
    const firstMv = this.signals.find((s) => !s.cv) === signal;
    if (firstMv) row.className = "first-mv";
    row.tabIndex = 0;
    row.title = `Show ${signal.label} in the trend`;
    for (let i = 0; i < 7; i += 1) row.append(document.createElement("td"));
    row.children[0].textContent = signal.unit ? `${signal.label} [${signal.unit}]` : signal.label;
    const choose = () => this.choose(signal);
    row.onclick = choose;
    row.onkeydown = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); } };
    this.find("tbody").append(row);
    return row;
  }

  choose(signal) {
    this.trends[signal.cv ? "cv" : "mv"].select(signal, this.past);
    this.mark();
  }

  mark() {
    const shown = new Set(Object.values(this.trends).map((t) => t.signal.tag));
    for (const [tag, row] of this.rows) row.setAttribute("aria-selected", String(shown.has(tag)));
  }

  remember(frame) {
    this.past.push(frame);
    if (this.past.length > 1500) this.past.splice(0, 300);
  }

  show(frame) {
    if (this.past.at(-1)?.id === frame.id) this.past.pop();
    this.remember(frame);
    this.latest = frame;
    if (!this.drawing) {
      this.drawing = true;
      requestAnimationFrame(() => { this.drawing = false; this.draw(this.latest); });
    }
  }

  draw(frame) {
    const mode = this.find(".mode");
    const mark = { HOLD: "△ ", INIT: "△ ", SHED: "▲ ", TRIPPED: "▲ " }[frame.mode] ?? "";
    mode.textContent = mark + frame.mode;
    mode.dataset.mode = frame.mode;
    const differs = frame.requested !== frame.mode;
    this.find(".why").textContent = differs ? `△ ${frame.requested} asked for: ${frame.reasons[0]?.text ?? "on the way"}` : "";
    this.find(".why").title = frame.reasons.map((r) => r.text).join("\n");
    for (const button of this.box.querySelectorAll("button[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === frame.requested));
    }
    this.drawKey(frame);
    for (const cv of frame.cvs) this.drawCv(cv, frame);
    for (const mv of frame.mvs) this.drawMv(mv, frame);
    this.find(".binding").textContent = this.words(frame.binding).join(", ") || "nothing";
    if (frame.gave_up.length) this.find(".binding").textContent += ` · gave up: ${frame.gave_up.join(", ")}`;
    this.drawGate(frame);
    this.find(".solver").textContent = `${frame.status ?? "–"}, ${digits(frame.solve_ms)} ms`
      + (frame.late ? " · cycle late" : "") + (frame.notes.length ? ` · ${frame.notes.join("; ")}` : "");
    for (const trend of Object.values(this.trends)) trend.update(this.past);
  }

  words(names) {
    return names.map((name) => this.signals.reduce((text, s) => text.replace(s.tag, s.label), name));
  }

  drawKey(frame) {
    const signal = this.signals[0];
    const cv = frame.cvs[0];
    const value = cv.value ?? cv.estimate;
    this.find(".key .name").textContent = signal.label;
    this.find(".key b").textContent = digits(value);
    this.find(".key .unit").textContent = signal.unit;
    this.find(".key .target").textContent = cv.target === null ? "" : `target ${digits(cv.target)}`;
    const off = value !== null && cv.target ? 100 * (value / cv.target - 1) : null;
    this.find(".key .deviation").textContent = off === null ? "" : `${off >= 0 ? "+" : "−"}${Math.abs(off).toFixed(2)} %`;
  }

  drawCv(cv, frame) {
    const cells = this.rows.get(cv.tag).children;
    const texts = [cv.value ?? cv.estimate, cv.target, cv.low, cv.high, cv.end].map((v) => digits(v));
    texts.forEach((text, i) => { cells[i + 1].textContent = text; });
    const value = cv.value ?? cv.estimate;
    let state = QUALITY[cv.quality] ?? "";
    if (state && cv.reason) state += `: ${cv.reason}`;
    if (!state && value !== null && cv.low !== null && value < cv.low) state = "△ below limit";
    if (!state && value !== null && cv.high !== null && value > cv.high) state = "△ above limit";
    if (!state && cv.reason === "estimated") { cells[6].className = ""; cells[6].textContent = "estimated"; return; }
    cells[6].textContent = state || (value === null ? "not known" : "good");
    cells[6].className = cv.quality === 0 ? "alarm" : state ? "warn" : "";
  }

  drawMv(mv, frame) {
    const cells = this.rows.get(mv.tag).children;
    const texts = [mv.applied, mv.requested, mv.low, mv.high, mv.end].map((v) => digits(v));
    texts.forEach((text, i) => { cells[i + 1].textContent = text; });
    const changed = frame.reasons.some((r) => r.tag === mv.tag && r.action !== "ALLOW");
    cells[6].textContent = changed ? `△ gate: ${digits(mv.allowed)}` : mv.landed === null ? "not written" : "written, read back";
    cells[6].className = changed ? "warn" : "";
  }

  drawGate(frame) {
    const box = this.find(".gate");
    box.replaceChildren();
    const action = document.createElement("span");
    const writes = frame.mode !== "OFF" && frame.mode !== "SHADOW";
    action.textContent = (writes ? "" : "writes nothing; would be: ") + (ACTIONS[frame.action] ?? frame.action ?? "–");
    action.className = { SHED: "alarm", TRIP: "alarm", HOLD: "warn", CLAMP: "warn" }[frame.action] ?? "";
    box.append(action);
    for (const reason of frame.reasons.slice(0, 6)) {
      const line = document.createElement("div");
      const label = this.signals.find((s) => s.tag === reason.tag)?.label ?? reason.tag;
      line.textContent = [reason.rule, label && `${label}:`, reason.text].filter(Boolean).join(" ");
      box.append(line);
    }
  }
}
