// The graph: one picture at a time, its boxes focusable in the order of backward; zoom, pan and folding.

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
  showPass(passOf());
  const put = (e, c) => { if (e) { e.classList.add(c); current.ring.push([e, c]); } };
  const id = selected();
  const here = place.get(id);
  put(current.of.get(here), "now");
  if (state.node === null && steps.length) {
    steps[state.step].inputs.forEach(one => put(current.of.get(place.get(one.node)), "near"));
    (current.flows.get(here) || []).forEach(e => put(e, "flow"));
  }
  decorate();
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
