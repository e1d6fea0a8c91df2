// Sentences made from a cycle, the same on every level. What the record says stays word for word.
import { digits } from "/static/format.js";
import { label, t } from "/static/i18n.js";
import { store } from "/static/store.js";

// What a loop is about: its first CV, or, where nothing is controlled, its first setpoint.
export function keyOf(loop) {
  const kind = loop.cvs.length ? "cvs" : "mvs";
  return { kind, signal: loop[kind][0], value: (frame) => { const row = frame[kind][0]; return row.value ?? row.estimate ?? row.applied ?? null; } };
}

export function signalsOf(loop) { return [...loop.cvs, ...loop.mvs, ...loop.dvs]; }

// "coater.die_pressure high" -> "Die pressure: high"
export function constraint(text, loop) {
  const wound = text.endsWith(" WDUP");
  const [tag, ...rest] = text.split(" ").slice(0, wound ? -1 : undefined);
  const side = rest.join(" ");
  const signal = signalsOf(loop).find((s) => s.tag === tag);
  if (!signal) return text;
  const sides = { high: t("high limit"), low: t("low limit"), target: t("target"), move: t("move limit"), rate: t("rate limit"), "batch total": t("total of the batch") };
  return `${label(signal.label)}: ${sides[side] ?? side}${wound ? ` (${t("wound up")})` : ""}`;
}

export function limitedBy(frame, loop) { return frame.binding.map((text) => constraint(text, loop)); }

export function gaveUp(frame, loop) {
  return frame.gave_up.map((one) => {
    const cv = loop.cvs.find((s) => s.tag === one.tag);
    const by = one.by === null ? "" : ` ${t("by {value} {unit}", { value: digits(Math.abs(one.by)), unit: one.unit })}`;
    return { text: `${label(cv?.label ?? one.tag)}${by}`, why: cv?.rank ? t("Rank {rank} of {most}: yields before smaller ranks", { rank: cv.rank, most: Math.max(...loop.cvs.map((s) => s.rank ?? 1)) }) : "" };
  });
}

export function ruleTitle(id) { return t(store.line.rules.find((rule) => rule.id === id)?.title ?? id); }

export function reasonText(reason, loop) {
  const signal = signalsOf(loop).find((s) => s.tag === reason.tag);
  return `${reason.rule} ${signal ? `${label(signal.label)}: ` : reason.tag ? `${reason.tag}: ` : ""}${reason.text}`;
}

// Why the mode is not the one asked for.
export function modeReason(frame) {
  const loop = store.line.loops[frame.loop];
  const strong = frame.reasons.find((r) => r.action !== "ALLOW" && r.action !== "CLAMP");
  if (strong) return reasonText(strong, loop);
  if (frame.mode === "SHADOW") return t("On the way to AUTO: good cycles are counted first");
  if (frame.mode === "INIT") return t("On the way to AUTO: handshake with the PLC");
  return frame.limiting || t("On the way");
}
