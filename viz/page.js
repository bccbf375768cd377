// The page's own script: it shows one step of the backward pass at a time. Everything it knows is in #data.
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const doc = data.document, nodes = doc.nodes, tensors = doc.tensors || [];
const $ = id => document.getElementById(id);
const root = document.documentElement;

// ---- small helpers: elements are made, never parsed from names, so that a name stays text

function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") for (const [type, f] of Object.entries(value)) e.addEventListener(type, f);
    else if (value !== undefined && value !== false) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}
const shapeText = s => s.length && Array.isArray(s[0]) ? s.map(shapeText).join("; ") : `(${s.join(", ")}${s.length === 1 ? "," : ""})`;
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

// ---- the document, indexed

const place = new Map(nodes.map((n, i) => [n.id, i]));
const steps = [];
doc.passes.forEach((one, pass) => one.steps.forEach(s => steps.push({ ...s, pass })));
const firstStep = new Map();
steps.forEach((s, k) => { if (!firstStep.has(s.node)) firstStep.set(s.node, k); });
const users = new Map();
nodes.forEach(n => n.inputs.forEach(e => { if (e.from !== null) (users.get(e.from) || users.set(e.from, []).get(e.from)).push(n.id); }));
const name = n => n.kind === "pick" ? `output ${n.output_nr}` : n.kind === "op" ? n.op : n.parameters[0] || n.kind;
const views = data.views, deepest = Math.max(...views.map(v => v.module ? 0 : v.depth));
const state = { step: 0, node: null, view: data.start, tab: null };

// ---- graph: one picture at a time, its boxes focusable in the order of backward

let current = null;   // {svg, boxes: [elements], of: node index -> element, flows: Map}
function picture(i) {
  if (current && current.view === i) return;
  state.view = i;
  const v = views[i];
  if (current || i !== data.start) {
    const script = document.querySelector(`script.picture[data-view="${i}"]`);
    const text = script ? JSON.parse(script.textContent) : first;
    $("graph").replaceChildren(new DOMParser().parseFromString(text, "image/svg+xml").documentElement);
  }
  const svg = $("graph").querySelector("svg");
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", `Graph of ${v.module || doc.title}, ${plural(v.boxes.length, "box")}`.replace("boxs", "boxes"));
  svg.removeAttribute("aria-labelledby");
  const frame = svg.querySelector("g");
  const of = new Map(), boxes = [];
  v.boxes.forEach((inside, b) => {
    const e = svg.querySelector(`#b${b}`);
    boxes.push(e);
    inside.forEach(n => of.set(n, e));
    e.dataset.box = b;
    e.setAttribute("tabindex", "0");
    e.setAttribute("role", "button");
    e.setAttribute("aria-label", boxLabel(v, b));
    if (data.compared && inside.some(n => data.compared.marks[nodes[n].id])) e.classList.add("changed");
  });
  const order = v.boxes.map((inside, b) => [Math.min(...inside.map(n => firstStep.has(nodes[n].id) ? firstStep.get(nodes[n].id) : 1e9 + n)), b]);
  order.sort((a, b) => a[0] - b[0]);
  frame.append(...order.map(([, b]) => boxes[b]));   // last in the file: above the lines, and focused in this order
  const flows = new Map();
  v.arrows.forEach(([, , , target], g) => (flows.get(target) || flows.set(target, []).get(target)).push(svg.querySelector(`#g${g}`)));
  current = { view: i, svg, of, boxes, flows, ring: [] };
  const move = (frame.getAttribute("transform") || "").match(/translate\(([-\d.]+)[ ,]([-\d.]+)/) || [0, 0, 0];
  current.origin = [Number(move[1]), Number(move[2])];
  full = svg.getAttribute("viewBox").split(/[ ,]+/).slice(2).map(Number);
  size(fitting() < 0.8 ? 1.1 : fitting());   // larger than the pane: readable first, "Fit" shows it all
  foldControls();
}
function boxLabel(v, b) {
  const inside = v.boxes[b];
  if (v.paths[b]) return `folded module ${v.paths[b]}, ${plural(inside.length, "node")}; Enter shows its inside`;
  const n = nodes[inside[0]], k = firstStep.get(n.id);
  const when = k !== undefined ? `step ${k + 1}` : n.needs_grad ? "gradient not computed" : `no gradient: ${n.reason || ""}`;
  return `${name(n)} ${shapeText(n.shape)}${n.module ? ` in ${n.module}` : ""}, ${when}`;
}
function mark() {
  current.ring.forEach(([e, c]) => e && e.classList.remove(c));
  current.ring = [];
  const put = (e, c) => { if (e) { e.classList.add(c); current.ring.push([e, c]); } };
  const id = selected();
  const here = place.get(id);
  put(current.of.get(here), "now");
  if (state.node === null && steps.length) {
    steps[state.step].inputs.forEach(one => put(current.of.get(place.get(one.node)), "near"));
    (current.flows.get(here) || []).forEach(e => put(e, "flow"));
  }
  reveal(current.of.get(here));
}
const selected = () => state.node !== null ? state.node : steps.length ? steps[state.step].node : nodes.length ? nodes[nodes.length - 1].id : null;

// zoom is the picture's size, pan is scrolling: neither makes the browser lay the picture out anew
let full = [1, 1], zoomed = 1, pane = $("graph").getBoundingClientRect(), drag = null;
addEventListener("resize", () => { pane = $("graph").getBoundingClientRect(); });
function size(z) {
  zoomed = Math.max(0.05, Math.min(6, z));
  current.svg.style.width = `${full[0] * zoomed}px`;
  current.svg.style.height = `${full[1] * zoomed}px`;
}
const fitting = () => Math.min(2, pane.width / full[0], pane.height / full[1]);
const fit = () => size(fitting());
function zoom(f, x = pane.width / 2, y = pane.height / 2) {
  const g = $("graph"), before = zoomed, [left, top] = [g.scrollLeft, g.scrollTop];
  size(zoomed * f);
  g.scrollTo((left + x) * zoomed / before - x, (top + y) * zoomed / before - y);
}
function reveal(e) {
  const t = e && e.querySelector("text"), g = $("graph");
  if (!t) return;
  const [x, y] = ["x", "y"].map((k, d) => (Number(t.getAttribute(k)) + current.origin[d]) * zoomed), margin = 60;
  const out = (at, from, length) => at < from + margin || at > from + length - margin;
  if (out(x, g.scrollLeft, pane.width)) g.scrollLeft = x - pane.width / 2;
  if (out(y, g.scrollTop, pane.height)) g.scrollTop = y - pane.height / 2;
}
$("graph").addEventListener("wheel", e => {
  if (!e.ctrlKey) return;
  e.preventDefault();
  zoom(Math.exp(e.deltaY * -0.003), e.clientX - pane.left, e.clientY - pane.top);
}, { passive: false });
$("graph").addEventListener("pointerdown", e => { if (e.pointerType === "mouse") drag = { x: e.clientX, y: e.clientY, left: $("graph").scrollLeft, top: $("graph").scrollTop, moved: false }; });
addEventListener("pointermove", e => {
  if (!drag) return;
  const dx = e.clientX - drag.x, dy = e.clientY - drag.y;
  if (Math.abs(dx) + Math.abs(dy) > 4) drag.moved = true;
  if (drag.moved) $("graph").scrollTo(drag.left - dx, drag.top - dy);
});
addEventListener("pointerup", () => setTimeout(() => { drag = null; }));
$("graph").addEventListener("click", e => {
  const g = e.target.closest(".box");
  if (g && g.dataset.box && !(drag && drag.moved)) choose(Number(g.dataset.box));
});
$("graph").addEventListener("keydown", e => {
  const g = e.target.closest(".box");
  if (g && (e.key === "Enter" || e.key === " ")) { e.preventDefault(); choose(Number(g.dataset.box)); }
});
function choose(b) {
  const v = views[state.view];
  if (v.paths[b]) {
    const inside = views.findIndex(w => w.module === v.paths[b]);
    return inside >= 0 ? (picture(inside), mark(), link()) : unfold(1);
  }
  goNode(nodes[v.boxes[b][0]].id);
}
$("zoom-in").onclick = () => zoom(1.4);
$("zoom-out").onclick = () => zoom(1 / 1.4);
$("zoom-fit").onclick = fit;

// folding
function foldControls() {
  const v = views[state.view];
  $("depth").max = deepest;
  $("depth").value = v.module ? deepest : v.depth;
  $("depth").disabled = deepest === 0;
  $("depth-text").textContent = v.module ? "" : v.depth === deepest ? "nothing folded" : `depth ${v.depth}`;
  $("inside").value = v.module;
}
function unfold(by) { depthTo(Math.min(deepest, views[state.view].depth + by)); }
function depthTo(d) {   // the picture, and in it the same node
  const there = views.map((v, i) => [v, i]).filter(([v]) => !v.module).sort((a, b) => Math.abs(a[0].depth - d) - Math.abs(b[0].depth - d));
  picture(there[0][1]);
  mark();
  link();
}
$("depth").addEventListener("input", e => depthTo(Number(e.target.value)));
$("inside").append(el("option", { value: "" }, "whole graph"), ...views.filter(v => v.module).map(v => el("option", { value: v.module }, v.module)));
$("inside").disabled = views.every(v => !v.module);
$("inside").addEventListener("change", e => { picture(e.target.value ? views.findIndex(v => v.module === e.target.value) : data.start); mark(); link(); });

// ---- going somewhere; the address always says where

function go(k, quiet) {
  if (!steps.length) return;
  state.step = Math.max(0, Math.min(steps.length - 1, k));
  state.node = null;
  render(quiet);
}
function goNode(id) {
  if (firstStep.has(id)) return go(firstStep.get(id));
  state.node = id;
  render();
}
function link() {
  const v = views[state.view];
  const parts = [state.node !== null || !steps.length ? `node=${encodeURIComponent(selected() || "")}` : `step=${state.step + 1}`];
  if (state.view !== data.start) parts.push(v.module ? `module=${encodeURIComponent(v.module)}` : `depth=${v.depth}`);
  if (state.tab !== "tensors") parts.push(`tab=${state.tab}`);
  history.replaceState(null, "", `#${parts.join("&")}`);
}
function fromHash() {
  const q = new URLSearchParams(location.hash.slice(1));
  let view = data.start;
  if (q.has("module")) view = views.findIndex(v => v.module === q.get("module"));
  else if (q.has("depth")) view = views.findIndex(v => !v.module && v.depth === Number(q.get("depth")));
  picture(view < 0 ? data.start : view);
  openTab(q.get("tab") && $(`tab-${q.get("tab")}`) ? q.get("tab") : data.compared ? "changes" : "tensors");
  if (q.has("node") && place.has(q.get("node"))) goNode(q.get("node"));
  else if (steps.length) go((parseInt(q.get("step"), 10) || 1) - 1, !q.has("step"));
  else render(true);
}
addEventListener("hashchange", fromHash);
$("first").onclick = () => go(0);
$("back").onclick = () => go(state.step - 1);
$("next").onclick = () => go(state.step + 1);
$("last").onclick = () => go(steps.length - 1);
$("slider").max = steps.length;
$("slider").addEventListener("input", e => go(Number(e.target.value) - 1));
addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target.matches("input[type=search], select, textarea");
  if (e.key === "/" && !typing) { e.preventDefault(); $("search").focus(); return; }
  if (typing || e.target.matches("canvas, [role=tab]") || (e.target.matches("input[type=range]") && e.target.id !== "slider")) return;
  const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
  if (move && !(e.target.matches("[role=tabpanel]") && /Up|Down/.test(e.key))) { e.preventDefault(); go(state.step + move); }
  else if (e.key === "Home") { e.preventDefault(); go(0); }
  else if (e.key === "End") { e.preventDefault(); go(steps.length - 1); }
  else if (e.key === "+" || e.key === "=") zoom(1.4);
  else if (e.key === "-") zoom(1 / 1.4);
  else if (e.key === "0") fit();
});

// ---- search

let hits = [];
$("search").addEventListener("input", () => {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = words.length ? nodes.filter(n => { const t = `${n.id} ${n.op} ${n.kind} ${n.parameters.join(" ")}`.toLowerCase(); return words.every(w => t.includes(w)); }) : [];
  const named = n => words.every(w => n.id.toLowerCase().includes(w)) ? n.id.length : 1e6;
  hits.sort((a, b) => named(a) - named(b));
  $("found").hidden = !words.length;
  $("found").replaceChildren(...hits.slice(0, 40).map(n => el("li", {}, el("a", { href: `#node=${encodeURIComponent(n.id)}`, on: { click: pick } }, n.id))),
    el("li", { class: "quiet" }, hits.length > 40 ? `and ${hits.length - 40} more` : hits.length ? plural(hits.length, "node") : "nothing found"));
});
function pick(e) { e.preventDefault(); goNode(new URLSearchParams(e.currentTarget.hash.slice(1)).get("node")); closeSearch(); }
function closeSearch() { $("found").hidden = true; $("search").value = ""; $("step-title").focus(); }
$("search").addEventListener("keydown", e => {
  if (e.key === "Enter" && hits.length) { goNode(hits[0].id); closeSearch(); }
  else if (e.key === "Escape") closeSearch();
});

// ---- tabs

const tabs = [...document.querySelectorAll("[role=tab]")].filter(t => t.id !== "tab-changes" || data.compared);
if (!data.compared) { $("tab-changes").hidden = true; $("changes").hidden = true; }
function openTab(t) {
  state.tab = t;
  for (const tab of tabs) {
    const on = tab.id === `tab-${t}`;
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !on;
  }
}
tabs.forEach((tab, i) => {
  tab.onclick = () => { openTab(tab.id.slice(4)); render(true); };
  tab.addEventListener("keydown", e => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (by) { const t = tabs[(i + by + tabs.length) % tabs.length]; t.focus(); t.click(); }
  });
});

// ---- one step

const PANES = { tensors: () => tensorPane(), list: () => {}, script: () => scriptPane(), cost: () => costPane(), changes: () => changesPane() };
let listed = null;
function render(quiet) {
  const id = selected(), n = nodes[place.get(id)];
  const step = state.node === null && steps.length ? steps[state.step] : null;
  if (!n) return;
  $("step-title").textContent = step ? `Step ${state.step + 1} of ${steps.length}: ${name(n)}` : name(n);
  $("slider").value = state.step + 1;
  $("counter").textContent = steps.length ? `step ${state.step + 1} of ${steps.length}` : "no backward pass";
  for (const b of ["first", "back"]) $(b).disabled = !steps.length || state.step === 0;
  for (const b of ["next", "last"]) $(b).disabled = !steps.length || state.step === steps.length - 1;
  $("slider").disabled = !steps.length;
  if (listed) listed.removeAttribute("aria-current");
  listed = $("steps").children[steps.length ? state.step : place.get(id)];
  if (listed && (step || !steps.length)) {
    listed.setAttribute("aria-current", "step");
    if (state.tab === "list") listed.scrollIntoView({ block: "nearest" });
  }
  $("step").replaceChildren(...stepPane(n, step));
  $("step").scrollTop = 0;
  PANES[state.tab]();
  mark();
  if (!quiet) link();
  const flows = step ? step.inputs.filter(i => i.norm !== null).map(i => `${name(nodes[place.get(i.node)])} ${num(i.norm)}`).join(", ") : "";
  if (!quiet) $("live").textContent = `${$("step-title").textContent}${n.module ? ` in ${n.module}` : ""}. ${step ? `Gradient ${shapeText(n.shape)}, norm ${num(step.norm)}. ${flows ? `Into ${flows}.` : "The path ends here."}` : notComputed(n)}`;
}
const notComputed = n => n.needs_grad ? "Its gradient was not computed." : `It needs no gradient: ${n.reason || ""}.`;
const nodeLink = id => el("a", { href: `#node=${encodeURIComponent(id)}`, on: { click: e => { e.preventDefault(); goNode(id); } } }, id);

function stepPane(n, step) {
  const rule = doc.rules[n.op] || { words: "", inputs: {} };
  const out = [el("p", {}, el("code", {}, n.id), ` ${n.kind} ${shapeText(n.shape)} ${n.dtype}`, n.module ? ` in ${n.module}` : "", n.of ? ` (made by the rule of ${n.of})` : "")];
  if (n.where) out.push(el("p", {}, el("a", { href: "#", class: "where", on: { click: e => { e.preventDefault(); openTab("script"); render(); } } }, `${n.where.file}:${n.where.line}`), " ", el("code", {}, n.where.text)));
  const attributes = [...n.inputs.filter(e => e.number !== undefined).map(e => [e.port, e.number]), ...Object.entries(n.attributes)].filter(([, v]) => v !== null && v !== "");
  if (attributes.length) out.push(el("p", {}, attributes.map(([k, v]) => `${k} = ${Array.isArray(v) ? shapeText(v) : v}`).join(", ")));
  if (step && n.inputs.length === 0) out.push(el("p", { class: "arrives" }, "Arrives: ", el("strong", { class: "gnorm" }, `‖g‖ = ${num(step.norm)}`), ` ${shapeText(n.shape)}. `, step.accumulates ? rule.words : step.wanted ? "The end of the path: this gradient was asked for." : "The path ends here; this gradient was not asked for."));
  else if (step) out.push(el("p", { class: "arrives" }, "Arrives: ", el("strong", { class: "gnorm" }, `‖g‖ = ${num(step.norm)}`), ` ${shapeText(n.shape)}.`), el("p", {}, rule.words));
  else out.push(el("p", { class: "arrives" }, el("strong", { class: "gnorm" }, "Gradient: not computed"), `. ${notComputed(n)}`), rule.words && n.kind === "op" ? el("p", {}, rule.words) : null);
  if (step && n.inputs.length && !step.inputs.length) out.push(el("p", { class: "why" }, "Backward stopped here: nothing further on the way was asked for."));
  n.inputs.forEach((edge, port) => out.push(inputPane(n, step, rule, edge, port)));
  if (n.saved.length) out.push(savedPane(n, step));
  const bad = badNote(n);
  if (bad) out.splice(1, 0, bad);
  const sources = Object.entries(rule.inputs || {}).filter(([, r]) => r.source);
  if (rule.source || sources.length) out.push(el("details", {}, el("summary", {}, "The rule in the source"),
    el("pre", {}, el("code", {}, rule.source || sources.map(([k, r]) => `${k} = ${r.source}`).join("\n")))));
  const after = users.get(n.id) || [];
  if (after.length) out.push(el("p", {}, "Used by ", ...after.slice(0, 12).flatMap((id, i) => [i ? ", " : "", nodeLink(id)]), after.length > 12 ? ` and ${after.length - 12} more` : ""));
  return out.filter(Boolean);
}
function inputPane(n, step, rule, edge, port) {
  const base = edge.port.replace(/\[.*/, "");
  const one = step && step.inputs.find(i => i.port === port);
  if (edge.from === null) return edge.number !== undefined ? null : el("p", { class: "why quiet" }, `${edge.port}: ${edge.reason || "not kept"}`);
  if (!edge.needs_grad) return el("p", { class: "why quiet" }, `${edge.port}, `, nodeLink(edge.from), ` ${shapeText(edge.shape)}: no gradient, ${edge.reason}`);
  const box = el("div", { class: "rule" }, el("h3", { class: "into" }, "into ", edge.port, ", ", nodeLink(edge.from)));
  const math = (data.math[n.op] || {})[base];
  if (math) {
    const holder = el("div", { class: "formula", tabindex: 0, role: "group", "aria-label": `formula of the gradient of ${edge.port}` });
    holder.innerHTML = math;   // made by mathml.py, every name escaped
    const shapes = { g: n.shape, out: n.shape };
    n.saved.forEach(s => { if (s.shape) shapes[s.name] = s.shape; });
    n.inputs.forEach(e => { if (e.shape) shapes[e.port] = shapes[e.port.replace(/\[.*/, "")] = e.shape; });
    holder.querySelectorAll("[data-shape]").forEach(m => {
      if (shapes[m.dataset.shape]) m.textContent = shapeText(shapes[m.dataset.shape]); else m.parentNode.replaceWith(m.parentNode.firstChild);
    });
    const math_ = holder.querySelector("math > mrow");
    const arrow = document.createElementNS(math_.namespaceURI, "mo"), size = document.createElementNS(math_.namespaceURI, "mtext");
    arrow.textContent = "→"; size.textContent = shapeText(edge.shape);
    math_.append(arrow, size);
    box.append(holder);
  }
  if (!one) { if (step) box.append(el("p", { class: "quiet" }, "not computed")); return box; }
  if (one.norm !== null) box.append(el("p", {}, "gives ", el("span", { class: "flow-norm" }, `‖g‖ = ${num(one.norm)}`)));
  if (one.use && one.use[1] > 1) box.append(el("p", {}, el("span", { class: "uses" }, `${one.use[0]} of ${one.use[1]} uses`), one.use[0] === 1 ? ": the first to arrive; the others are added to it" : `: added to what is there, ‖sum‖ = ${num(one.sum_norm)}`));
  if (one.why) box.append(el("p", { class: "why" }, el("strong", {}, "Why zero? "), one.why));
  if (one.worked) box.append(...workedPane(edge, one.worked));
  return box;
}
function workedPane(edge, w) {
  const at = i => i.length ? `[${i.join(", ")}]` : "";
  const out = [];
  if (w.terms) {
    const text = w.terms.map((t, i) => `${i ? signed(t.g) : num(t.g)} · ${signed(t.slope)}`).join(" + ");
    const rest = w.count > w.terms.length ? ` + … (${w.count} terms)` : "";
    out.push(el("p", {}, el("small", {}, `One element, Σ g${at(w.terms.length ? w.terms[0].at.map(() => "·") : [])} · slope:`), el("br"),
      el("span", { class: "num worked" }, `∂L/∂${edge.port}${at(w.index)} = ${text || "0"}${rest} = ${num(w.analytic)}`)));
    out.push(el("p", { class: "check" }, `Check by finite differences: ${num(w.numeric)}, `, el("span", { class: w.check === "agrees" ? "good" : "wrong" }, w.check === "agrees" ? "✓ agrees" : "✗ differs")));
  } else out.push(el("p", {}, el("span", { class: "num worked" }, `∂L/∂${edge.port}${at(w.index)} = ${num(w.analytic)}`), " ", el("small", {}, w.check)));
  return out;
}
function savedPane(n, step) {
  const list = n.saved.filter(s => s.shape).map(s => `${s.name} ${shapeText(s.shape)}, ${bytes(s.bytes)}`);
  const rest = n.saved.filter(s => !s.shape).map(s => s.name).join(", ");
  if (rest) list.push(list.length ? `and ${rest}` : `no array, only ${rest}`);
  const fate = !step ? "" : step.freed ? "Used here, then freed." : "Used here, and kept (retain_graph).";
  return el("div", {}, el("h3", {}, "Saved for backward"), el("ul", {}, ...list.map(t => el("li", {}, t))), fate ? el("p", {}, fate) : null);
}
function badNote(n) {
  if (doc.bad.forward === n.id) return el("p", { class: "wrong" }, "⚠ The first NaN or infinity of the forward pass is made here.");
  const k = state.step, offset = doc.passes.slice(0, (steps[k] || {}).pass || 0).reduce((s, p) => s + p.steps.length, 0);
  const bad = steps.length && state.node === null && doc.bad.backward[steps[k].pass];
  return bad && bad.step === k - offset ? el("p", { class: "wrong" }, `⚠ The first NaN or infinity of this backward pass is ${bad.port === null ? "what arrives here" : "made here"}.`) : null;
}

//{heatmaps}
//{special}
//{panes}

// ---- export, theme, start

function offer(text, type, file) {
  const a = el("a", { href: URL.createObjectURL(new Blob([text], { type })), download: file });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}
const file = doc.title.replace(/[^\w.-]+/g, "_") || "graph";
$("save-svg").onclick = () => {
  const copy = current.svg.cloneNode(true);
  copy.removeAttribute("style");
  copy.querySelectorAll("[tabindex]").forEach(e => ["tabindex", "role", "aria-label"].forEach(a => e.removeAttribute(a)));
  offer(new XMLSerializer().serializeToString(copy), "image/svg+xml", `${file}.svg`);
};
$("save-json").onclick = () => offer(JSON.stringify(doc) + "\n", "application/json", `${file}.json`);
const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const themeName = () => { $("theme").textContent = dark() ? "Light" : "Dark"; $("theme").setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`); };
$("theme").onclick = () => { root.dataset.theme = dark() ? "light" : "dark"; themeName(); render(true); };
const first = $("graph").innerHTML;
$("steps").addEventListener("click", e => {
  const a = e.target.closest("a");
  if (a) { e.preventDefault(); const q = new URLSearchParams(a.hash.slice(1)); if (q.has("step")) go(Number(q.get("step")) - 1); else goNode(q.get("node")); }
});
themeName();
openTab("tensors");
fromHash();
root.dataset.ready = Math.round(performance.now());   // milliseconds since the page was asked for
mark();   // the picture is shown from here on, and can be scrolled
})();
