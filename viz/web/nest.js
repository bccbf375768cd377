// Boxes within boxes: the calls of modules and what repeats. Which of them are open is all that folding is.

const nest = { key: "", name: doc.title, module: "", inside: data.nest.inside, level: 0 };
const frames = new Map(), homeOf = new Map();   // by key; the innermost one around a node
const hostOf = new Map();   // the op at which a parameter is drawn
(function index(frame) {
  frame.nodes = [];
  frame.ops = 0;
  for (const item of frame.inside) {
    if (typeof item === "number") {
      for (const n of [item, ...(data.nest.pills[item] || [])]) { homeOf.set(n, frame); frame.nodes.push(n); hostOf.set(n, item); }
      frame.ops += nodes[item].inputs.length > 0;
    } else {
      Object.assign(item, { level: frame.level + 1, outer: frame });
      frames.set(item.key, item);
      index(item);
      for (const n of item.nodes) frame.nodes.push(n);
      frame.ops += item.ops;
    }
  }
})(nest);
const deepest = Math.max(0, ...[...frames.values()].map(f => f.level));
const upTo = depth => new Set([...frames.values()].filter(f => f.level <= depth).map(f => f.key));
const around = f => f && f !== nest ? [...around(f.outer), f] : [];

// What is drawn while these are open: an item is an op or a source, a folded box, or a frame with items of its own.
function unfolded(open) {
  const of = new Map(), boxes = [], root = { frame: nest, outer: null, depth: 0, pieces: [] };
  const box = item => { boxes.push(item); item.nodes.forEach(n => of.set(n, item)); return item; };
  const make = (c, outer, call) => {
    const item = { outer, depth: outer.depth + 1, pieces: [], pills: [] };
    if (typeof c === "number") {
      Object.assign(item, { node: c, call, nodes: [c] });
      box(item);
      item.pills = (data.nest.pills[c] || []).map(n => box({ node: n, nodes: [n], pill: true, host: item, uses: [] }));
    } else if (!open.has(c.key)) box(Object.assign(item, { folded: c, nodes: c.nodes }));
    else if (c.inside.length === 1 && c.ops === 1) return make(c.inside[0], outer, c);   // a call of one op is that op
    else { item.frame = c; item.items = c.inside.map(inner => make(inner, item)); }
    return item;
  };
  root.items = nest.inside.map(c => make(c, root));
  return { root, boxes, of, edges: joined(of) };
}
function joined(of) {   // arrows between what is drawn; those from or into a folded box are one
  const edges = [], merged = new Map();
  for (const [s, t, port] of data.nest.arrows) {
    const a = of.get(s), b = of.get(t), use = flow(s, t, port);
    if (a === b) continue;
    if (hostOf.get(s) !== s) {   // a pill; at another op than its own it is an echo
      if (b.node !== t) continue;
      let pill = b.pills.find(p => p.node === s);
      if (!pill) b.pills.push(pill = { node: s, nodes: [s], pill: true, host: b, echo: true, uses: [] });
      pill.uses.push(use);
      continue;
    }
    const key = a.folded || b.folded ? `${a.nodes[0]} ${b.nodes[0]}` : "";
    const known = key && merged.get(key);
    if (known) { known.uses.push(use); continue; }
    const edge = { a, b, uses: [use] };
    merged.set(key, edge);
    edges.push(edge);
  }
  return edges;
}
function flow(source, target, port) {   // the data that go this way, and the gradient that comes back; in another pass, if not in this one
  const edge = nodes[target].inputs[port], step = steps[stepOf(nodes[target].id)];
  const given = step && edge.from === nodes[source].id ? step.inputs.find(i => i.port === port) : undefined;
  return { source, target, port, edge, given: given && given.norm !== null ? given : null, elsewhere: Boolean(step) && step.pass !== passOf() };
}
