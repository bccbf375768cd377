// Where things stand. In each frame one spine, the longest way through it, runs straight down; what leaves it (a branch, a
// skip connection, a line that only passes) is a strand of its own beside it, the shorter the nearer. Where that is wider than can be
// read, all items stand one below the other, as they ran. A frame that is open is an item of the frame around it, laid out the same
// way before. All is linear in what is drawn and in the rows that lines pass.

const HEAD = 22, PAD = 9, BOX = 22, TYPE = 12, SMALL = 10, APART = 10, LANE = 6, TIGHT = 12, LOOSE = 24, ASIDE = 5;
const pen = document.createElement("canvas").getContext("2d"), widths = new Map();
function wide(text, size, bold) {
  const key = `${bold ? "bold " : ""}${size} ${text}`;
  if (!widths.has(key)) { pen.font = `${bold ? 600 : 400} ${size}px Helvetica,Arial,sans-serif`; widths.set(key, pen.measureText(text).width); }
  return widths.get(key);
}

let between = LOOSE, widest = 0;   // two rows; what can be read without scrolling
function arranged(open) {
  const all = unfolded(open), { root } = all, [width, height] = [pane.width / LEGIBLE, pane.height];
  for (const b of all.boxes) if (!b.pill) measure(b);
  for (const e of all.edges) split(e);
  const high = gap => { between = gap; lay(root); return root.h; };
  widest = width;
  const tight = high(TIGHT), room = height * Math.max(1, (root.left + root.right) / pane.width) - tight;
  if (room > 0) high(TIGHT + (LOOSE - TIGHT) * Math.min(1, room / (high(LOOSE) - tight)));   // no tighter than it must be
  settle(root, root.left, 0);
  for (const e of all.edges) e.points = [...e.out, e.across, ...e.into].flatMap(p => p.points.map(([x, y]) => [x + p.frame.X, y + p.frame.Y]));
  return Object.assign(all, { width: root.left + root.right, height: root.h });
}
function measure(item) {
  item.rows = rowsOf(item);
  const across = row => row.reduce((s, t) => s + wide(t.text, t.size, t.bold) + 7, 13);
  item.w = Math.max(36, ...item.rows.map(across));
  item.boxH = BOX + 13 * (item.rows.length - 1);
  const sides = [[], []];
  item.pills.forEach((p, k) => { measure(Object.assign(p, { pills: [] })); sides[k % 2].push(p); });
  const reach = sides.map((pills, side) => {
    const high = pills.reduce((s, p) => s + p.h + 4, -4);
    let y = -high / 2;
    for (const p of pills) { p.x = (side ? 1 : -1) * (item.w / 2 + 16 + p.w / 2); p.y = y; y += p.h + 4; }
    return { width: item.w / 2 + (pills.length ? 16 + Math.max(...pills.map(p => p.w)) : 0), high };
  });
  [item.left, item.right] = reach.map(r => r.width);
  item.h = Math.max(item.boxH, ...reach.map(r => r.high));
}
function split(e) {   // into the pieces within each frame that it crosses
  let a = e.a, b = e.b;
  Object.assign(e, { out: [], into: [] });
  const piece = (frame, from, to) => { const p = { e, frame, from, to }; frame.pieces.push(p); return p; };
  while (a.outer !== b.outer) {
    if (a.depth >= b.depth) { e.out.push(piece(a.outer, a, null)); a = a.outer; }
    else { e.into.unshift(piece(b.outer, null, b)); b = b.outer; }
  }
  e.across = piece(a.outer, a, b);
}

function lay(f) {
  f.items.forEach(i => i.items && lay(i));
  const wide = column => { rowed(f, column); return f.left + f.right; }, layered = wide(false);
  if (layered > widest && wide(true) > layered) wide(false);
}
function rowed(f, column) {
  const rows = ranked(f, column), strands = stranded(f, rows), gap = new Array(rows + 1).fill(between);
  const left = new Array(rows).fill(0), right = new Array(rows).fill(0), high = new Array(rows).fill(0);
  for (const i of f.items) high[i.rank] = Math.max(high[i.rank], i.h);
  strands.forEach((s, k) => stand(s, left, right, k > 0));
  f.ports = new Map();
  const twins = new Map();   // a + a: two lines side by side
  for (const p of f.pieces) {
    const key = p.from && p.to && !(p.lane && !p.lane.items.length) ? `${p.from.nth} ${p.to.nth}` : p;
    (twins.get(key) || twins.set(key, []).get(key)).push(p);
  }
  for (const same of twins.values()) same.forEach((p, k) => route(f, p, (k - (same.length - 1) / 2) * 16));
  for (const p of f.pieces) if (p.from && p.to && p.x0 !== p.x1) { gap[p.from.rank + 1] = gap[p.to.rank] = between + ASIDE; }
  const top = [], bottom = [];
  let y = f.outer ? HEAD + 4 : PAD - gap[0];
  for (let r = 0; r < rows; r++) { y += r || !f.outer ? gap[r] : 0; top.push(y); y += high[r]; bottom.push(y); }
  f.h = y + PAD;
  for (const i of f.items) i.y = top[i.rank] + (high[i.rank] - i.h) / 2;
  const aslant = new Map();   // by the row below it: lines that go aside
  for (const p of f.pieces) for (const [row, x] of [[p.from && p.from.rank + 1, p.x0], [p.to && p.to.rank, p.x1]])
    if (row !== null && p.x0 !== p.x1) (aslant.get(row) || aslant.set(row, []).get(row)).push(p.through === null ? [p.x0, p.x1] : [x, p.through]);
  for (const p of f.pieces) trace(f, p, top, bottom, aslant);
  f.left = f.outer ? wide(`▾ ${f.frame.name}`, SMALL) + 6 : 0;
  f.right = 20;
  for (const x of left) f.left = Math.max(f.left, x);
  for (const x of right) f.right = Math.max(f.right, x);
  for (const { e, label } of f.pieces) if (label && !label.along && !label.on) {
    const w = wide(labelOf(e), SMALL) + 8;
    if (label.after) f.right = Math.max(f.right, label.x + w); else f.left = Math.max(f.left, w - label.x);
  }
  f.left += PAD;
  f.right += PAD;
}
function ranked(f, column) {   // rows: each item below what feeds it; beside the spine, just above what it feeds
  f.items.forEach((i, nth) => Object.assign(i, { nth, from: [], to: [], strand: null }));
  for (const p of f.pieces) if (p.from && p.to) { p.from.to.push(p.to); p.to.from.push(p.from); }
  for (const i of f.items) i.rank = i.from.reduce((r, a) => Math.max(r, a.rank + 1), 0);
  const ends = f.pieces.filter(p => !p.to).map(p => p.from), results = f.items.filter(i => i.nodes && i.nodes.some(n => nodes[n].output));
  const candidates = ends.length ? ends : results.length ? results : f.items;
  if (column) f.items.forEach((i, k) => { i.rank = k; });
  f.spine = column ? f.items : [];
  let at = column ? null : candidates.reduce((best, i) => !best || i.rank > best.rank ? i : best, null);
  while (at) { f.spine.unshift(at); at = at.from.find(a => a.rank === at.rank - 1); }
  const spine = new Set(f.spine);
  for (const i of [...f.items].reverse()) if (!spine.has(i) && i.to.length) i.rank = Math.min(...i.to.map(b => b.rank)) - 1;
  return 1 + Math.max(0, ...f.items.map(i => i.rank));
}
function stranded(f, rows) {   // ways that run straight down, and the rows that each needs for itself
  const strands = [];
  const strand = items => {
    const s = { items, lo: items[0].rank, hi: items.at(-1).rank, led: false, trails: false };
    items.forEach((i, k) => Object.assign(i, { strand: s, place: k }));
    strands.push(s);
  };
  if (f.spine.length) strand(f.spine);
  for (const i of [...f.items].reverse()) {
    if (i.strand) continue;
    const chain = [i];
    for (let a = i; a; ) { a = a.from.filter(b => !b.strand && !chain.includes(b)).sort((p, q) => q.rank - p.rank)[0]; if (a) chain.unshift(a); }
    strand(chain);
  }
  for (const p of f.pieces) {
    const { from, to } = p, a = from ? from.rank : -1, b = to ? to.rank : rows;
    const s = from && from.strand, t = to && to.strand;
    p.lane = null;
    if (s && s === t && to.place === from.place + 1) p.lane = s;
    else if (b - a < 2) continue;
    else if (t && to === t.items[0] && !t.led && from) { t.led = true; t.lo = Math.min(t.lo, a + 1); p.lane = t; }
    else if (s && from === s.items.at(-1) && !s.trails) { s.trails = true; s.hi = Math.max(s.hi, b - 1); p.lane = s; }
    else if (t && to === t.items[0] && !t.led) { t.led = true; t.lo = 0; p.lane = t; }
    else strands.push(p.lane = { items: [], lo: a + 1, hi: b - 1, label: labelOf(p.e) });
  }
  const [spine, ...others] = strands;
  return spine ? [spine, ...others.sort((s, t) => s.hi - s.lo - t.hi + t.lo || s.lo - t.lo)] : [];
}
function stand(s, left, right, aside) {   // the strand's column: beside what is already in its rows
  const at = new Map(s.items.map(i => [i.rank, i])), label = s.label ? 14 : 0;
  const need = (taken, inward) => { let x = 0; for (let r = s.lo; r <= s.hi; r++) x = Math.max(x, taken[r] + APART + (at.has(r) ? at.get(r)[inward] : LANE)); return x; };
  const r = need(right, "left"), l = need(left, "right");
  s.x = !aside ? 0 : r <= l + (s.items.length ? 60 : 120) ? r : -l;
  for (let r = s.lo; r <= s.hi; r++) {
    const i = at.get(r), [l, w] = i ? [i.left, i.right] : [s.x < 0 ? LANE + label : LANE, s.x < 0 ? LANE : LANE + label];
    left[r] = Math.max(left[r], l - s.x);
    right[r] = Math.max(right[r], w + s.x);
  }
  s.items.forEach(i => { i.x = s.x; });
}
function route(f, p, spread) {   // where a piece leaves and arrives, across
  const port = (item, inner) => {
    if (item.ports) return item.x + item.ports.get(p.e);
    const lean = p.lane && p.lane.x !== item.x ? Math.sign(p.lane.x - item.x) : inner && !p.lane && inner.x !== item.x ? Math.sign(inner.x - item.x) : 0;
    return item.x + lean * Math.min(item.w / 2 - 8, 14) + spread;
  };
  p.spread = spread;
  if (p.from) p.x0 = port(p.from, p.to);
  if (p.to) p.x1 = port(p.to, p.from);
  p.through = p.lane ? p.lane.x + (p.from && p.to && p.lane === p.from.strand ? spread : 0) : null;
  if (!p.from) f.ports.set(p.e, p.x0 = p.through === null ? p.x1 : p.through);
  if (!p.to) f.ports.set(p.e, p.x1 = p.through === null ? p.x0 : p.through);
}
function trace(f, p, top, bottom, aslant) {   // down to the end of the row, aside between two rows, straight through the others
  const a = p.from ? p.from.rank : -1, b = p.to ? p.to.rank : top.length, out = [];
  const below = i => i.items ? i.y + i.h : i.y + (i.h + i.boxH) / 2, above = i => i.items ? i.y : i.y + (i.h - i.boxH) / 2;
  out.push([p.x0, p.from ? below(p.from) : 0]);
  if (p.from) out.push([p.x0, bottom[a]]);
  if (b - a > 1 && p.through !== null) out.push([p.through, top[a + 1]], [p.through, bottom[b - 1]]);
  if (p.to) out.push([p.x1, top[b]]);
  out.push([p.x1, p.to ? above(p.to) : f.h]);
  p.points = out;
  if (!p.from || !p.to) return;
  // where its text stands: beside a line that runs down (after it, or before), along one that passes rows, on one that goes aside
  if (p.lane && !p.lane.items.length) p.label = { x: p.through, y: (top[a + 1] + bottom[b - 1]) / 2, after: p.through > 0, along: bottom[b - 1] - top[a + 1] };
  else if (p.x0 === p.x1) {
    const meets = (from, to) => (aslant.get(a + 1) || []).some(xs => Math.min(...xs) < p.x0 + to && Math.max(...xs) > p.x0 + from);
    const crossed = meets(-100, -8) && !meets(8, 100);
    p.label = { x: p.x0, y: (bottom[a] + top[a + 1]) / 2 + 3, after: p.spread > 0 || p.spread === 0 && crossed };
  }
  else {
    const k = out.findIndex(([x], i) => i && x !== out[i - 1][0]), [x0, y0] = out[k - 1], [x1, y1] = out[k];
    p.label = { x: (x0 + x1) / 2, y: (y0 + y1) / 2 + 3, on: true };
  }
}
function settle(f, X, Y) {
  Object.assign(f, { X, Y });
  for (const i of f.items) {
    i.X = X + i.x;
    i.Y = Y + i.y;
    if (i.items) settle(i, i.X, i.Y);
  }
}
