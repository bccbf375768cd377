// How large a gradient is: the width and colour of its arrow follow log10 ‖g‖. The scale is the document's, so that
// passes can be compared; what has no place on it is told apart by its form too. heat.py draws the same without a script.

const normOf = norms => {   // of several gradients together
  const bad = norms.find(x => typeof x === "string");
  return bad !== undefined ? bad : norms.length ? Math.hypot(...norms) : null;
};
function kindOfHeat(norm) {
  if (typeof norm === "string") return "bad";
  if (!norm || !data.heat) return "zero";
  const [low, high, count] = data.heat, share = (Math.log10(norm) - low) / (high - low);
  return `h${Math.max(0, Math.min(count - 1, Math.floor(share * count)))}`;
}
function warm(arrow, norms) {   // a gradient's arrow, as wide and of the colour that it should be
  const kind = kindOfHeat(normOf(norms.filter(x => x !== null)));
  arrow.classList.add(kind);
  if (kind !== "zero") return;
  const core = arrow.querySelector("path").cloneNode();
  core.classList.add("core");
  arrow.classList.add("hollow");
  arrow.querySelector("path").after(core);
}
const CUTS = { detached: "detached", no_grad: "no_grad", frozen: "frozen", hook: "cut by a hook", function: "cut by a Function" };
const cutOf = edge => (edge.cause && CUTS[edge.cause.kind]) || "";
function severed(arrow, points) {   // bars across an arrow, near where it begins: gradients would go on behind them
  const [[x0, y0], [x1, y1]] = points, length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [dx, dy] = [(x1 - x0) / length, (y1 - y0) / length];
  const bar = at => `M${x0 + dx * at - dy * 6} ${y0 + dy * at + dx * 6}L${x0 + dx * at + dy * 6} ${y0 + dy * at - dx * 6}`;
  arrow.classList.add("cut");
  arrow.append(draw("path", { class: "bars", d: bar(5) + bar(9), fill: "none" }));
}
