// The line as a drawing: mixer, buffer tank, coater, oven, gauge. Flat grey outlines, no gauge art.
import { svg } from "/static/dom.js";
import { t } from "/static/i18n.js";

export function drawLine(titles) {
  return svg("svg", { class: "picture", viewBox: "0 0 1340 176", role: "img", "aria-label": `${t("Process picture")}: ${Object.values(titles).join(" → ")}` },
    svg("path", { class: "pipe", d: "M190 120 H268 M400 120 H470 V98 H560" }),
    mixer(), buffer(), pump(), coater(), oven(), gauge(),
    svg("path", { class: "web", d: "M560 140 H1226" }));
}

const piece = (...children) => svg("g", { class: "piece" }, ...children);

function mixer() {
  return piece(
    svg("path", { d: "M70 28 H190 V112 Q190 148 130 148 Q70 148 70 112 Z" }),
    svg("path", { class: "fill", d: "M74 66 H186 V112 Q186 144 130 144 Q74 144 74 112 Z" }),
    svg("path", { d: "M130 10 V128 M92 78 V116 Q130 142 168 116 V78 M116 6 H144 V16 H116 Z" }));
}

function buffer() {
  return piece(svg("rect", { x: 268, y: 40, width: 132, height: 108, rx: 10 }), svg("rect", { class: "fill", x: 272, y: 78, width: 124, height: 66, rx: 7 }));
}

function pump() {
  return piece(svg("circle", { cx: 470, cy: 98, r: 15 }), svg("path", { d: "M462 88 L484 98 L462 108" }));
}

function coater() {
  return piece(svg("circle", { cx: 590, cy: 108, r: 32 }), svg("circle", { cx: 590, cy: 108, r: 5 }),
    svg("path", { d: "M536 80 H560 L572 92 L560 104 H536 Z" }));
}

function oven() {
  return piece(svg("rect", { x: 690, y: 44, width: 330, height: 82, rx: 4 }),
    svg("path", { d: "M756 44 V126 M822 44 V126 M888 44 V126 M954 44 V126" }),
    ...[723, 789, 855, 921, 987].map((x) => svg("path", { class: "heat", d: `M${x - 10} 70 q5 -8 10 0 t10 0 M${x - 10} 88 q5 -8 10 0 t10 0 M${x - 10} 106 q5 -8 10 0 t10 0` })));
}

function gauge() {
  return piece(svg("path", { d: "M1096 56 H1180 V82 H1152 L1138 112 L1124 82 H1096 Z" }), svg("path", { d: "M1084 158 H1192" }),
    svg("circle", { cx: 1250, cy: 112, r: 42 }), svg("circle", { cx: 1250, cy: 112, r: 26 }), svg("circle", { cx: 1250, cy: 112, r: 6 }));
}
