// The film: play, pause and speed; by module; into, over and out of a module; breakpoints, and running to a place.

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
let speed = 1, timer = null, byModule = false;
const nodeAt = i => nodes[place.get(film[i].node)], moduleAt = i => nodeAt(i).module, callAt = i => nodeAt(i).call || 1;
const isForward = i => film[i].step === undefined;
const inside = (path, module) => path !== "" && (module === path || module.startsWith(`${path}.`));
const steady = matchMedia("(prefers-reduced-motion: reduce)");   // then nothing moves by itself between two steps

function play() {
  if (!film.length) return;
  if (frame() >= film.length - 1 || (steps.length && state.forward === null && state.step === 0 && !state.played)) goFrame(0);   // the film begins with forward
  state.played = true;
  playing(true);
  wait();
}
function pause() {
  if (timer === null) return;
  clearTimeout(timer);
  timer = null;
  playing(false);
  render();   // what the quick steps of a film did not say
}
function wait() { timer = setTimeout(tick, 1000 / speed); }
function tick() {
  const at = frame();
  if (asking()) return wait();
  if (at >= film.length - 1) return pause();
  goFrame(following(at), true);
  link();
  if (breaks.has(film[frame()].node)) { pause(); say(`Breakpoint: ${film[frame()].node}`); }
  else wait();
}
function playing(on) {
  $("play").textContent = on ? "Pause" : "Play";
  root.classList.toggle("playing", on && !steady.matches);
}
const toggle = () => timer === null ? play() : pause();
function setSpeed(x) {
  speed = x;
  $("speed").value = x;
  if (timer !== null) { clearTimeout(timer); wait(); }
}
const faster = by => setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(speed) + by))]);
$("speed").append(...SPEEDS.map(x => el("option", { value: x, selected: x === 1 }, `${x}×`)));
$("speed").addEventListener("change", e => setSpeed(Number(e.target.value)));
$("play").onclick = toggle;

// where the next step leads: one op on, or to where another module begins
const same = (i, j) => moduleAt(i) === moduleAt(j) && callAt(i) === callAt(j) && isForward(i) === isForward(j);
function following(i) {
  let j = Math.min(i + 1, film.length - 1);
  if (byModule) while (j < film.length - 1 && same(i, j)) j++;
  return j;
}
function preceding(i) {
  let j = Math.max(i - 1, 0);
  if (byModule) while (j > 0 && same(j, j - 1)) j--;
  return j;
}
function setByModule(on) {
  byModule = on;
  $("by-module").setAttribute("aria-pressed", on);
  say(on ? "A step is a module now." : "A step is an op now.");
}
function into() {   // one op on, and a folded module that it is in is opened
  goFrame(frame() + 1);
  for (let b = boxHere(); b >= 0 && current.boxes[b].item.folded; b = boxHere()) choose(b);
}
function boxHere() {
  const e = current.of.get(place.get(selected()));
  return e ? Number(e.dataset.box) : -1;
}
function past(path, from) {   // the first frame from there on that is not in this call of the module
  const again = j => moduleAt(j) === path && moduleAt(from) === path && callAt(j) !== callAt(from);
  let j = from;
  while (j < film.length - 1 && inside(path, moduleAt(j)) && !again(j) && isForward(j) === isForward(from)) j++;
  return j;
}
function over() {   // as a debugger's "over": the module that the next op is in is gone through at once
  if (!film.length) return;
  const at = frame(), next = Math.min(at + 1, film.length - 1), here = moduleAt(at).split("."), there = moduleAt(next).split(".");
  const shared = isForward(at) === isForward(next) ? there.findIndex((part, i) => part !== here[i]) : 0;
  goFrame(shared < 0 || !there[0] ? next : past(there.slice(0, shared + 1).join("."), next));
}
const out = () => film.length && goFrame(moduleAt(frame()) ? past(moduleAt(frame()), frame()) : film.length - 1);

// breakpoints, and running to a place
const breaks = new Set();
function toggleBreak() {
  const id = selected();
  if (id === null) return;
  if (!breaks.delete(id)) breaks.add(id);
  decorate();
  link();
  say(breaks.has(id) ? `Breakpoint set: ${id}` : `Breakpoint cleared: ${id}`);
}
const PLACES = {   // where it is, and what is said where it is nowhere
  "the next breakpoint": [() => film.findIndex((f, i) => i > frame() && breaks.has(f.node)), () => breaks.size ? "No breakpoint lies ahead." : "There is no breakpoint: b sets one."],
  "the first NaN": [() => film.findIndex(f => f.step === undefined ? f.node === doc.bad.forward : notFinite(steps[f.step])), () => "There is no NaN and no infinity."],
  "the first zero": [() => film.findIndex(f => f.step !== undefined && nought(steps[f.step])), () => "No gradient is zero."],
};
const notFinite = s => [s.norm, ...s.inputs.map(i => i.norm)].some(x => typeof x === "string");
const nought = s => s.norm === 0 || s.inputs.some(i => i.norm === 0 || i.norm === null);
function runTo(where) {
  const [find, none] = PLACES[where], i = find();
  if (i >= 0) { goFrame(i); say(`Ran to ${where}: ${film[i].node}`); } else say(none());
}
const ends = nodes.filter(n => n.kind === "parameter" && firstStep.has(n.id));
$("run-to").append(...Object.keys(PLACES).map(p => el("option", { value: p }, p)),
  ...(ends.length ? [el("optgroup", { label: "a parameter" }, ...ends.map(n => el("option", { value: `=${n.id}` }, n.id)))] : []));
$("run-to").addEventListener("change", e => {
  const where = e.target.value;
  e.target.value = "";
  pause();
  if (where[0] === "=") goFrame(frameOf.get(firstStep.get(where.slice(1)))); else if (where) runTo(where);
});

function say(text) {   // for eyes and for a screen reader; the next step takes it away
  $("live").textContent = $("said").textContent = text;
  $("said").hidden = !text;
}
function decorate() {   // what the film and its breakpoints add to the picture and to the list
  root.classList.toggle("forward", state.forward !== null);
  root.classList.toggle("asking", asking());
  document.querySelectorAll(".break").forEach(e => e.classList.remove("break"));
  current.svg.querySelectorAll(".stop").forEach(e => e.remove());
  for (const id of breaks) {
    const box = current.of.get(place.get(id)), text = box && box.querySelector("text"), item = firstStep.has(id) && $("steps").children[firstStep.get(id)];
    if (item) item.classList.add("break");
    if (!text || box.querySelector(".stop")) continue;
    box.classList.add("break");
    const r = box.getBBox(), dot = document.createElementNS(current.svg.namespaceURI, "circle");
    for (const [k, v] of [["class", "stop"], ["cx", r.x + 1], ["cy", r.y + 1], ["r", 5]]) dot.setAttribute(k, v);
    box.append(dot);
  }
  $("break").setAttribute("aria-pressed", breaks.has(selected()));
  pathMarks();
}
for (const [id, move] of [["over", over], ["into", into], ["out", out]]) $(id).onclick = byHand(move);
$("by-module").onclick = () => setByModule(!byModule);
$("break").onclick = toggleBreak;
onKey([" "], "play and pause: forward, then backward", toggle);
onKey([">"], "faster", () => faster(1));
onKey(["<"], "slower", () => faster(-1));
onKey(["m"], "a step is a module, or an op again", () => setByModule(!byModule));
onKey(["i"], "into the module: one op on, and what is folded opens", byHand(into));
onKey(["o"], "over the module that comes next", byHand(over));
onKey(["u"], "up and out of this module", byHand(out));
onKey(["b"], "set a breakpoint here, or clear it", toggleBreak);
onKey(["c"], "continue to the next breakpoint", byHand(() => runTo("the next breakpoint")));
onKey(["n"], "run to the first NaN or infinity", byHand(() => runTo("the first NaN")));
onKey(["z"], "run to the first gradient that is zero", byHand(() => runTo("the first zero")));
onKey(["r"], "run to a parameter", () => $("run-to").focus());
