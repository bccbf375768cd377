// The presentation, for a projector: large type, and one thing at a time. The things of a step are the picture, what
// arrives, the rule of each input, the tensors; after the last one comes the next step.

const LARGE = 2.3;   // of a box, so that its text can be read from the last row
let thing = 0, things = [];
const presenting = () => root.classList.contains("present");
function thingsOfStep() {
  const groups = [];
  let between = null;   // what stands between two rules is one thing
  for (const e of $("step").children) {
    if (e.matches("details")) continue;
    if (e.matches(".rule")) { groups.push([e]); between = null; }
    else if (between) between.push(e);
    else groups.push(between = [e]);
  }
  return ["graph", ...groups, ...(tensors.length ? ["tensors"] : [])];
}
function showThing() {
  if (!presenting()) return;
  things.flat().forEach(e => { if (typeof e !== "string") e.classList.remove("shown"); });
  things = thingsOfStep();
  thing = Math.max(0, Math.min(things.length - 1, thing));
  const now = things[thing];
  root.dataset.thing = typeof now === "string" ? now : "step";
  if (typeof now !== "string") now.forEach(e => e.classList.add("shown"));
  $("things").textContent = `${thing + 1} of ${things.length}`;
  if (now === "graph") look(() => { if (zoomed < LARGE) zoom(LARGE / zoomed); });
}
function look(how) {   // at the picture, whose pane has another size now
  pane = $("graph").getBoundingClientRect();
  how();
  mark();
}
function onward(by) {
  const before = frame();
  thing += by;
  if (thing >= 0 && thing < things.length) return showThing();
  thing = by > 0 ? 0 : Infinity;
  (by > 0 ? toNext : toPrevious)();
  if (frame() === before) thing = by > 0 ? Infinity : 0;   // there is no other step
  showThing();
}
function present(on) {
  if (on === presenting()) return;
  root.classList.toggle("present", on);
  $("present").setAttribute("aria-pressed", on);
  thing = 0;
  if (on) { openTab("tensors"); render(true); showThing(); $("step-title").focus(); }
  else { delete root.dataset.thing; look(fit); $("present").focus(); }
}
new MutationObserver(showThing).observe($("step"), { childList: true });
$("present").onclick = () => present(!presenting());
for (const [id, by] of [["next", 1], ["back", -1]]) $(id).addEventListener("click", e => {
  if (presenting()) { e.stopImmediatePropagation(); onward(by); }
}, true);
const whilePresenting = run => () => presenting() ? run() : false;
onKey(["f"], "presentation for a projector: large type, one thing at a time", () => present(!presenting()));
onKey(["ArrowRight", "PageDown"], "in a presentation: the next thing", whilePresenting(() => onward(1)));
onKey(["ArrowLeft", "PageUp"], "in a presentation: the thing before", whilePresenting(() => onward(-1)));
onKey(["Escape"], "leave the presentation", whilePresenting(() => present(false)));
