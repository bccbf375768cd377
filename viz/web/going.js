// Going somewhere; the address always says where.

function go(k, quiet) {
  if (!steps.length) return;
  state.step = Math.max(0, Math.min(steps.length - 1, k));
  state.node = null;
  render(quiet);
}
function goNode(id) {
  if (firstStep.has(id)) return go(stepOf(id));
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
