// Small helpers for building what is shown. Text goes in as text, never as HTML.

// h("td", { class: "number", onclick }, "text", child): an element; null children are left out.
export function h(tag, options = {}, ...children) {
  return fill(document.createElement(tag), options, children);
}

export function svg(tag, options = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), options, children);
}

function fill(element, options, children) {
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined));
  return element;
}

// Replace what an element holds, but leave it alone when the text is the same: no flicker, and a
// screen reader is not told twice.
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, wanted) { element.hidden = !wanted; }

export function table(heads, rows, options = {}) {
  return h("table", options,
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => (cell instanceof Element && cell.tagName === "TD" ? cell : h("td", {}, cell)))))));
}
