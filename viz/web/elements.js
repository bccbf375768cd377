// Elements are made, never parsed from names, so that a name stays text; and how numbers are written.

function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") for (const [type, f] of Object.entries(value)) e.addEventListener(type, f);
    else if (value !== undefined && value !== false) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}
const shapeText = s => {
  if (!s.length || !Array.isArray(s[0])) return `(${s.join(", ")}${s.length === 1 ? "," : ""})`;
  const each = s.map(shapeText), many = each.length > 4 && each.every(one => one === each[0]);
  return many ? `${each.length} × ${each[0]}` : each.join("; ");
};
function num(x) {
  if (x === null || x === undefined) return "–";
  if (typeof x === "string") return x;
  const size = Math.abs(x);
  const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? x.toExponential(2) : String(Number(x.toPrecision(4)));
  return text.replaceAll("-", "−");
}
const signed = x => x < 0 ? `(${num(x)})` : num(x);
function brief(x) {   // for a cell
  if (!Number.isFinite(x)) return String(x).slice(0, 4);
  const size = Math.abs(x), text = size !== 0 && (size < 0.01 || size >= 9999) ? x.toExponential(0) : String(Number(x.toPrecision(size < 1 ? 2 : 3)));
  return text.replaceAll("-", "−");
}
function bytes(n) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (n >= size) return `${Number((n / size).toPrecision(3))} ${unit}`;
  return `${n} B`;
}
const micro = ns => ns === undefined ? "–" : ns >= 1e6 ? `${num(ns / 1e6)} ms` : `${num(ns / 1e3)} µs`;
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
