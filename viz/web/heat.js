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
  const kind = kindOfHeat(normOf(norms.filter(x => x !== null))), [colour, width] = data.warmth[kind];
  const line = arrow.querySelector("path"), head = arrow.querySelector("polygon");
  arrow.classList.add(kind);
  line.setAttribute("stroke", colour);
  line.setAttribute("stroke-width", width);
  for (const part of ["fill", "stroke"]) head.setAttribute(part, colour);
  if (kind === "bad") line.setAttribute("stroke-dasharray", "2 4");
  if (kind !== "zero") return;
  line.removeAttribute("stroke-dasharray");
  const core = line.cloneNode();   // what is hollow is drawn wide, and over it the page
  core.setAttribute("class", "core");
  core.setAttribute("stroke", "#ffffff");
  core.setAttribute("stroke-width", width / 2);
  line.after(core);
  head.setAttribute("fill", "#ffffff");
}
const CUTS = { detached: "detached", no_grad: "no_grad", frozen: "frozen", hook: "hook", function: "Function" };
const cutOf = use => nodes[use.target].needs_grad && use.edge.cause && CUTS[use.edge.cause.kind] || "";
function severed(arrow, points, word) {   // bars across an arrow near its begin: gradients would go on behind them
  const [x0, y0] = points[0], away = ([x, y]) => Math.hypot(x - x0, y - y0), next = points.find(p => away(p) > 1) || [x0, y0 + 1];
  const [dx, dy] = [(next[0] - x0) / away(next), (next[1] - y0) / away(next)];
  const bar = at => `M${tenth(x0 + dx * at - dy * 6)} ${tenth(y0 + dy * at + dx * 6)}L${tenth(x0 + dx * at + dy * 6)} ${tenth(y0 + dy * at - dx * 6)}`;
  arrow.classList.add("cut");
  arrow.append(draw("path", { class: "bars", d: bar(5) + bar(9), fill: "none" }));
  if (Math.abs(dy) > 0.5) arrow.append(text(`✂ ${word}`, x0 + 9, y0 + dy * 10 + 4, { "font-size": SMALL }));
}
