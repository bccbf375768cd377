// Going somewhere; the address always says where. The film is forward, then backward: for each backward pass the ops that
// it needs and that were not shown before, then its steps.

const film = filmed(), frameOf = new Map(film.map((f, i) => [f.step === undefined ? f.node : f.step, i]));
const forwards = film.filter(f => f.step === undefined).length;
function filmed() {
  const shown = new Set(), out = [], forward = ids => nodes.forEach(n => {
    if (ids.has(n.id) && !shown.has(n.id) && (n.kind === "op" || n.kind === "pick") && !n.of) out.push({ node: n.id, number: shown.add(n.id).size });
  });
  let k = 0;
  for (const one of doc.passes) {
    const needed = new Set(one.outputs), stack = [...one.outputs];
    while (stack.length) for (const e of nodes[place.get(stack.pop())].inputs) if (e.from !== null && !needed.has(e.from)) { needed.add(e.from); stack.push(e.from); }
    forward(needed);
    for (const s of one.steps) out.push({ node: s.node, step: k++ });
  }
  forward(new Set(nodes.map(n => n.id)));
  return out;
}
const frame = () => state.forward !== null ? state.forward : steps.length ? frameOf.get(state.step) : film.length - 1;
function goFrame(i, quiet) {
  if (!film.length) return;
  const f = film[Math.max(0, Math.min(film.length - 1, i))];
  if (f.step !== undefined) return go(f.step, quiet);
  state.node = f.node;
  state.forward = frameOf.get(f.node);
  render(quiet);
}
function go(k, quiet) {
  if (!steps.length) return;
  state.step = Math.max(0, Math.min(steps.length - 1, k));
  state.node = state.forward = null;
  render(quiet);
}
function goNode(id) {
  if (state.forward !== null && frameOf.has(id)) return goFrame(frameOf.get(id));
  if (firstStep.has(id)) return go(stepOf(id));
  state.node = id;
  state.forward = null;
  render();
}
function link() {
  const parts = [state.forward !== null ? `forward=${film[state.forward].number}` : state.node !== null || !steps.length ? `node=${encodeURIComponent(selected() || "")}` : `step=${state.step + 1}`];
  parts.push(...folding());
  if (state.tab !== opening) parts.push(`tab=${state.tab}`);
  for (const id of breaks) parts.push(`break=${encodeURIComponent(id)}`);
  try { history.replaceState(null, "", `#${parts.join("&")}`); } catch { /* a page inside a notebook has no address of its own */ }
}
const failed = nodes.find(n => n.failed);
function fromHash() {
  const q = new URLSearchParams(location.hash.slice(1));
  foldAs(q);
  openTab(q.get("tab") && $(`tab-${q.get("tab")}`) ? q.get("tab") : opening);
  breaks.clear();
  q.getAll("break").filter(id => place.has(id)).forEach(id => breaks.add(id));
  const forward = film.findIndex(f => f.number === Number(q.get("forward")));
  if (q.has("forward") && forward >= 0) goFrame(forward);
  else if (q.has("node") && place.has(q.get("node"))) goNode(q.get("node"));
  else if (failed && !q.has("step")) goNode(failed.id);
  else if (steps.length) go((parseInt(q.get("step"), 10) || 1) - 1, !q.has("step"));
  else render(true);
}
addEventListener("hashchange", fromHash);

// a move by hand ends the film that runs
const byHand = move => () => { pause(); move(); };
const toFirst = byHand(() => state.forward === null && state.step > 0 ? go(0) : goFrame(0));
const toLast = byHand(() => goFrame(film.length - 1));
const toNext = byHand(() => goFrame(following(frame())));
const toPrevious = byHand(() => goFrame(preceding(frame())));
$("first").onclick = toFirst;
$("back").onclick = toPrevious;
$("next").onclick = toNext;
$("last").onclick = toLast;
$("slider").max = film.length;
$("slider").addEventListener("input", e => byHand(() => goFrame(Number(e.target.value) - 1))());
onKey(["/"], "search: a name, a shape, a line, nan, zero", () => $("search").focus());
onKey(["ArrowRight", "ArrowDown"], "next step", toNext);
onKey(["ArrowLeft", "ArrowUp"], "step back; before the first step of backward come those of forward", toPrevious);
onKey(["Home"], "first step of backward; again: of forward", toFirst);
onKey(["End"], "last step", toLast);
onKey(["+", "="], "zoom in", () => zoom(1.4));
onKey(["-"], "zoom out", () => zoom(1 / 1.4));
onKey(["0"], "fit the picture into its pane", () => fit());
