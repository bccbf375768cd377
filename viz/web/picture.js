// The graph: boxes focusable in the order of backward; what is folded opens where it stands, and Escape goes back; zoom and pan.

let current = null;   // {svg, boxes: [{e, item}], of: node -> element, flows: node -> its gradient arrows, ...}
let open = new Set(), asked = "";   // keys of what is open; the module that was asked for
const before = [];   // how the picture stood, for Escape
function picture(keys = open) {
  open = keys;
  const all = arranged(open);
  current = { ...drawn(all), all, ring: [], pass: passOf() };
  full = [all.width, all.height];
  for (const { e, item } of current.boxes) if (data.compared && item.nodes.some(n => data.compared.marks[nodes[n].id])) e.classList.add("changed");
  current.svg.setAttribute("aria-label", `Graph of ${doc.title}, ${current.boxes.length} ${current.boxes.length === 1 ? "box" : "boxes"}`);
  $("graph").replaceChildren(current.svg);
  size(zoomed);
  foldControls();
}
function redraw() {   // the same, with the numbers of another pass
  const e = document.activeElement, held = current.boxes.findIndex(box => box.e === e);
  picture();
  if (held >= 0) current.boxes[held].e.focus({ preventScroll: true });
}
function boxLabel(item) {
  if (item.folded) return `folded ${item.folded.module ? "module " : ""}${item.folded.name}, ${plural(item.nodes.length, "node")}; Enter shows its inside`;
  const n = nodes[item.node], k = firstStep.get(n.id);
  const when = k !== undefined ? `step ${k + 1}` : n.needs_grad ? "gradient not computed" : `no gradient: ${n.reason || ""}`;
  return `${name(n)} ${shapeText(n.shape)}${n.module ? ` in ${n.module}` : ""}, ${when}`;
}
function mark(still) {
  if (current.pass !== passOf()) redraw();
  current.ring.forEach(([e, c]) => e.classList.remove(c));
  current.ring = [];
  const put = (e, c) => { if (e) { e.classList.add(c); current.ring.push([e, c]); } };
  const here = place.get(selected());
  put(current.of.get(here), "now");
  (current.echoes.get(here) || []).forEach(e => put(e, "near"));
  if (state.node === null && steps.length) {
    steps[state.step].inputs.forEach(one => put(current.of.get(place.get(one.node)), "near"));
    (current.flows.get(here) || []).forEach(e => put(e, "flow"));
  }
  decorate();
  if (!still) reveal(current.of.get(here));
}
const selected = () => state.node !== null ? state.node : steps.length ? steps[state.step].node : nodes.length ? nodes[nodes.length - 1].id : null;

// zoom is the picture's size, pan is scrolling: neither makes the browser lay the picture out anew
let full = [1, 1], zoomed = 1, fitted = true, pane = $("graph").getBoundingClientRect(), drag = null;
new ResizeObserver(() => {
  pane = $("graph").getBoundingClientRect();
  if (current && fitted) fit();
}).observe($("graph"));
function size(z) {
  zoomed = Math.max(0.005, Math.min(6, z));
  current.svg.style.width = `${full[0] * zoomed}px`;
  current.svg.style.height = `${full[1] * zoomed}px`;
}
const scaleOf = ([w, h]) => Math.min(1.5, (pane.width - 2) / w, (pane.height - 2) / h);
function fit() { size(scaleOf(full)); fitted = true; }
function zoom(f, x = pane.width / 2, y = pane.height / 2) {
  const g = $("graph"), was = zoomed, [left, top] = [g.scrollLeft, g.scrollTop];
  size(zoomed * f);
  fitted = false;
  g.scrollTo((left + x) * zoomed / was - x, (top + y) * zoomed / was - y);
}
function reveal(e) {
  const at = e && current.at.get(e), g = $("graph");
  if (!at) return;
  const [x, y] = at.map(k => k * zoomed), margin = 60;
  const out = (k, from, length) => k < from + margin || k > from + length - margin;
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
const press = e => {
  const g = e.target.closest(".box, .frame, .echo");
  if (!g || drag && drag.moved) return;
  e.preventDefault();
  if (g.dataset.frame) fold(g.dataset.frame);
  else if (g.dataset.box) choose(Number(g.dataset.box));
  else goNode(nodes[g.dataset.node].id);
};
$("graph").addEventListener("click", press);
$("graph").addEventListener("keydown", e => { if (e.key === "Enter" || e.key === " ") press(e); });
function choose(b) {
  const { item } = current.boxes[b];
  if (item.folded) unfold(item.folded.key); else goNode(nodes[item.node].id);
}
$("zoom-in").onclick = () => zoom(1.4);
$("zoom-out").onclick = () => zoom(1 / 1.4);
$("zoom-fit").onclick = fit;

// folding
const elementOf = key => current.heads.get(key) || current.of.get(frames.get(key).nodes[0]);
function refold(keys, key) {   // what was pressed stays where it is on the screen
  const g = $("graph"), held = g.contains(document.activeElement), [x0, y0] = current.at.get(elementOf(key));
  const left = x0 * zoomed - g.scrollLeft, top = y0 * zoomed - g.scrollTop;
  picture(keys);
  if (fitted) size(Math.min(zoomed, Math.max(1, scaleOf(full))));   // what was larger than it must be makes room
  fitted = false;
  const e = elementOf(key), [x1, y1] = current.at.get(e);
  g.scrollTo(x1 * zoomed - left, y1 * zoomed - top);
  if (held) e.focus({ preventScroll: true });
  mark(true);
  link();
}
function remember(key) {
  before.push({ open, asked, key, zoomed, fitted, left: $("graph").scrollLeft, top: $("graph").scrollTop });
  asked = "";
}
function unfold(key) {   // with the calls of one op in it, which are no more than that op
  remember(key);
  refold(new Set([...open, key, ...frames.get(key).inside.filter(f => f.ops === 1).map(f => f.key)]), key);
}
function fold(key) { remember(key); refold(new Set([...open].filter(k => k !== key)), key); }
function back() {
  const was = before.pop();
  if (!was) return false;
  const held = $("graph").contains(document.activeElement);
  asked = was.asked;
  zoomed = was.zoomed;
  fitted = was.fitted;
  picture(was.open);
  $("graph").scrollTo(was.left, was.top);
  if (held && was.key) elementOf(was.key).focus({ preventScroll: true });
  mark(true);
  link();
}
onKey(["Escape"], "back to how modules were folded before", back);

const calls = [...frames.values()].filter(f => f.module);
$("inside").append(el("option", { value: "" }, "whole graph"), ...calls.map(f => el("option", { value: f.key }, f.key)));
$("inside").disabled = !calls.length;

// What is open at first: as much, level by level, as can be read with ease and without scrolling; what repeats stays one box.
const LEGIBLE = 0.72, EASE = 0.8, MANY = 120;
const start = legibly();
function legibly() {
  if (data.depth !== null) return upTo(data.depth);
  const legible = open => unfolded(open).boxes.length <= MANY && (a => scaleOf([a.width, a.height]) >= EASE)(arranged(open));
  let chosen = new Set();
  for (let depth = 1; depth <= deepest; depth++) {
    const level = [...frames.values()].filter(f => f.level === depth && !f.times && (f.outer === nest || chosen.has(f.outer.key)));
    const wider = [level, level.filter(f => f.ops === 1)].map(fs => new Set([...chosen, ...fs.map(f => f.key)])).find(legible);
    const alone = unfolded(chosen).boxes.length <= 4;   // a box or two say nothing
    if (!level.length || !wider && !alone) break;
    chosen = wider || new Set([...chosen, ...level.map(f => f.key)]);
  }
  return chosen;
}
function foldTo(keys) {   // the picture, and in it the same node
  picture(keys);
  fit();
  if (zoomed < LEGIBLE) { size(1); fitted = false; }   // readable first, "Fit" shows it all
}
const alike = (a, b) => a.size === b.size && [...a].every(k => b.has(k));
function folding() {   // for the address
  if (asked) return [`module=${encodeURIComponent(asked)}`];
  if (alike(open, start)) return [];
  const depth = [...Array(deepest + 1).keys()].find(d => alike(open, upTo(d)));
  return depth !== undefined ? [`depth=${depth}`] : [...open].map(k => `open=${encodeURIComponent(k)}`);
}
function foldAs(q) {
  asked = q.has("module") && frames.has(q.get("module")) ? q.get("module") : "";
  const keys = asked ? new Set([...start, ...around(frames.get(asked)).map(f => f.key)])
    : q.has("depth") ? upTo(Number(q.get("depth"))) : q.has("open") ? new Set(q.getAll("open").filter(k => frames.has(k))) : start;
  if (!current || !alike(keys, open)) foldTo(keys);
  foldControls();
}
function foldControls() {
  const closed = [...frames.values()].filter(f => !open.has(f.key));
  $("depth").max = deepest;
  $("depth").value = closed.length ? Math.min(...closed.map(f => f.level)) - 1 : deepest;
  $("depth").disabled = deepest === 0;
  $("depth-text").textContent = closed.length ? `${closed.length} folded` : "all open";
  $("inside").value = asked;
}
$("depth").addEventListener("input", e => { remember(); foldTo(upTo(Number(e.target.value))); mark(); link(); });
$("inside").addEventListener("change", e => {
  remember();
  foldAs(new URLSearchParams(e.target.value ? { module: e.target.value } : {}));
  const at = e.target.value && current.at.get(elementOf(e.target.value));
  mark();
  link();
  if (at) $("graph").scrollTo(at[0] * zoomed - pane.width / 2, at[1] * zoomed - 30);
});
