// Numbers, ages and names as people read them.
import { label, t } from "/static/i18n.js";

export function digits(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const text = value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

// A limit or a target: as many digits as somebody wrote, no more.
export function short(value) {
  return value === null || value === undefined ? "–" : String(Number(value.toPrecision(6))).replace("-", "−");
}

export function signed(value, places = 2) {
  if (value === null || value === undefined) return "–";
  return `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(places)}`;
}

export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export function percent(share) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
}

export function span(pair) {
  const [low, high] = pair ?? [null, null];
  if ((low ?? null) === null && (high ?? null) === null) return "–";
  if ((low ?? null) === null) return `≤ ${short(high)}`;
  if ((high ?? null) === null) return `≥ ${short(low)}`;
  return `${short(low)} … ${short(high)}`;
}

// A moment to the minute, in UTC.
export function moment(utc) { return utc ? utc.slice(0, 16).replace("T", " ") : "–"; }

export function clock(utc) { return utc ? utc.slice(11, 19) : "–"; }

export function named(signal) { return label(signal.label); }

export const MODE_MARK = { HOLD: "△ ", INIT: "△ ", SHED: "▲ ", TRIPPED: "▲ " };

export function quality(number, reason) {
  if (number === 0) return { mark: "▲", word: t("bad"), kind: "alarm" };
  if (number === 1) return { mark: "△", word: t("uncertain"), kind: "warn" };
  if (number === 2) return { mark: "", word: reason === "estimated" ? t("estimated") : t("good"), kind: "" };
  return { mark: "", word: t("not known"), kind: "" };
}

export function actionWords(action) {
  return {
    ALLOW: t("✓ passed unchanged"),
    CLAMP: t("△ clamped"),
    HOLD: t("△ holds the last confirmed setpoints"),
    SHED: t("▲ shed: the PLC has the loop"),
    TRIP: t("▲ tripped"),
  }[action] ?? "–";
}
