// A parameter's page: its gradient as a sum over its uses, the ways to the loss, and how large a step of the optimizer is beside it.

const isLeaf = n => n.inputs.length === 0 && n.needs_grad;
function usesOf(id) {   // by pass: the step where it ends, and what arrived there
  return doc.passes.map((one, pass) => {
    const end = one.steps.find(s => s.node === id), uses = one.steps.flatMap(s => s.inputs.filter(i => i.node === id).map(i => ({ ...i, by: s.node })));
    return { pass, end, uses };
  }).filter(p => p.end || p.uses.length);
}
function parameterPane(n) {
  const passes = usesOf(n.id), out = [];
  for (const { pass, end, uses } of passes) {
    if (passes.length > 1) out.push(el("h3", {}, `Backward pass ${pass + 1}`));
    out.push(...gradientPane(n, end, uses));
  }
  if (!passes.length) return [];
  return [...out, ...updatePane(n, passes), ...pathPane(n)];
}
function gradientPane(n, end, uses) {
  if (!uses.length) return [];
  const many = uses.length > 1, shown = uses.slice(0, 40), last = uses[uses.length - 1], total = many && last.sum_norm !== undefined ? last.sum_norm : end ? end.norm : last.norm;
  const out = [el("h3", {}, many ? `Its gradient: the sum over ${uses.length} uses` : "Its gradient: one use")];
  const seen = new Set();
  for (const u of uses) {   // the formula, once for each kind of use
    const by = nodes[place.get(u.by)], edge = by.inputs[u.port], f = formulaOf(by, edge), key = `${by.op} ${edge.port} ${many ? "" : u.by} ${JSON.stringify(by.inputs.map(e => e.shape))}`;
    if (!f || seen.has(key)) continue;
    seen.add(key);
    out.push(el("p", {}, many ? "each use in " : "in ", nodeLink(u.by), `, as ${edge.port}:`), f);
  }
  const shares = sharesOf(uses);
  if (many) out.push(el("table", { class: "shares" }, el("thead", {}, el("tr", {}, ...["use", "‖g‖", "share"].map((h, i) => el("th", { scope: "col", class: i ? "num" : undefined }, h)))),
    el("tbody", {}, ...shown.map((u, i) => el("tr", {}, el("td", {}, nodeLink(u.by), el("small", {}, ` ${nodes[place.get(u.by)].inputs[u.port].port}`)), el("td", { class: "num" }, num(u.norm)),
      el("td", { class: "num" }, shares.of[i] === null ? "–" : `${num(100 * shares.of[i])} %`, bar(shares.of[i])))),
      uses.length > shown.length ? el("tr", {}, el("td", { colspan: 3 }, `and ${uses.length - shown.length} more uses`)) : null,
      el("tr", {}, el("th", { scope: "row" }, "the sum"), el("td", { class: "num" }, num(total)), el("td", { class: "num" }, shares.sum ? "100 %" : "")))),
    el("p", { class: "quiet" }, shares.words));
  else out.push(el("p", {}, "all of it comes from ", nodeLink(uses[0].by), `: ‖g‖ = ${num(last.norm)}`));
  if (end && many && end.norm !== total) out.push(el("p", {}, `A hook made ‖g‖ = ${num(end.norm)} of it.`));
  return out;
}
const bar = x => x === null ? null : el("span", { class: "share", role: "presentation" }, el("i", { class: x < 0 ? "down" : "up", style: `width:${Math.min(100, 100 * Math.abs(x))}%` }));
function sharesOf(uses) {
  if (uses.every(u => u.norm === null || u.share !== undefined)) return { of: uses.map(u => u.norm === null ? 0 : u.share), sum: true,
    words: "share: how much of the sum lies in this use, ⟨gᵢ, g⟩ / ⟨g, g⟩. The shares add up to 100 %; one below zero works against the sum." };
  const norms = uses.map(u => typeof u.norm === "string" ? NaN : u.norm || 0), all = norms.reduce((a, b) => a + b, 0);
  return { of: norms.map(x => all && Number.isFinite(x / all) ? x / all : null), sum: false,
    words: "share: ‖gᵢ‖ of Σ‖gᵢ‖, sizes alone, for how the uses point was not recorded: they may cancel." };
}
function updatePane(n, passes) {
  const w = tensors[n.value], done = (doc.updates || []).filter(u => u.sizes[n.id]), out = [el("h3", {}, "Size of the update against the weight")];
  for (const u of done) {
    const { weight, change, lr } = u.sizes[n.id];
    out.push(el("p", {}, `A step of ${u.optimizer}${lr === undefined ? "" : ` with lr = ${num(lr)}`} changed it: `, el("span", { class: "num update" }, `‖Δw‖ / ‖w‖ = ${num(change)} / ${num(weight)} = ${num(ratio(change, weight))}`)));
  }
  const last = passes[passes.length - 1], g = last.end ? last.end.norm : null;
  if (w && g !== null) out.push(el("p", {}, done.length ? "The gradient beside it: " : "", el("span", { class: "num" }, `‖g‖ / ‖w‖ = ${num(g)} / ${num(w.l2)} = ${num(ratio(g, w.l2))}`)));
  if (!done.length) out.push(el("p", { class: "quiet" }, w ? "This is the gradient, not the update: no optimizer made a step while this was recorded. A step of plain SGD is lr times as large." : "Its values were not recorded."));
  return out;
}
const ratio = (a, b) => typeof a === "string" || typeof b === "string" ? "NaN" : b ? a / b : a ? "Infinity" : 0;

// the ways by which the loss depends on it
let path = { node: null, ids: new Set() };
function pathFrom(id) {   // all nodes on them; how many ways there are from each to a result; one shortest
  if (path.node === id) return path;
  const pulled = new Set(steps.map(s => s.node)), on = new Set([id]), next = new Map();
  const results = new Set(doc.passes.flatMap(p => p.outputs).concat(nodes.filter(n => n.output).map(n => n.id)));
  for (const n of nodes.slice(place.get(id))) for (const e of n.inputs) if (e.needs_grad && on.has(e.from) && (pulled.has(n.id) || !steps.length)) {
    on.add(n.id);
    (next.get(e.from) || next.set(e.from, []).get(e.from)).push(n.id);
  }
  const ways = new Map(), length = new Map(), towards = new Map();
  for (const n of [...nodes].reverse()) if (on.has(n.id)) {
    const after = (next.get(n.id) || []).filter(m => ways.get(m) > 0);
    ways.set(n.id, (results.has(n.id) ? 1 : 0) + after.reduce((sum, m) => sum + ways.get(m), 0));
    const best = after.reduce((a, m) => a === null || length.get(m) < length.get(a) ? m : a, null);
    length.set(n.id, results.has(n.id) ? 0 : best === null ? Infinity : 1 + length.get(best));
    if (!results.has(n.id)) towards.set(n.id, best);
  }
  const way = [];
  for (let at = id; at; at = towards.get(at)) way.unshift(at);
  return path = { node: id, ids: new Set([...on].filter(m => ways.get(m) > 0)), ways: ways.get(id), way };
}
function pathPane(n) {
  const p = pathFrom(n.id), few = p.way.length > 40 ? [...p.way.slice(0, 20), null, ...p.way.slice(-20)] : p.way;
  if (!p.ways) return [el("p", {}, "No result depends on it.")];
  const many = p.ways > 1e6 ? p.ways.toExponential(1) : String(p.ways);
  return [el("h3", {}, "From the loss to here"), el("p", {}, p.ways > 1 ? `${many} ways, all highlighted in the picture; a shortest:` : "One way, highlighted in the picture:"),
    el("ol", { class: "way" }, ...few.map(id => el("li", {}, id === null ? `… ${p.way.length - 40} more …` : id === n.id ? el("strong", {}, id) : nodeLink(id))))];
}
let lit = { key: "", marks: [] };
function pathMarks() {   // in the picture, while the page of a parameter is open
  const id = selected(), n = nodes[place.get(id)], open = n && isLeaf(n) && state.forward === null, dimmed = open && timer === null, key = open ? `${id} ${dimmed}` : "";
  if (lit.key === key && lit.svg === current.svg) return;
  lit.marks.forEach(e => e.classList.remove("path"));
  lit = { key, svg: current.svg, marks: [] };
  $("graph").classList.toggle("pathed", dimmed);   // not in the middle of a film
  if (!open) return;
  const p = pathFrom(id), mark_ = e => { if (e) { e.classList.add("path"); lit.marks.push(e); } };
  for (const m of p.ids) mark_(current.of.get(place.get(m)));
  const on = i => p.ids.has(nodes[i].id);
  for (const { e, uses } of current.gradients) if (uses.some(u => on(u.source) && on(u.target))) mark_(e);
}
