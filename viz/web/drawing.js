// The picture of what is laid out: boxes, pills, frames, and arrows with the gradient beside the data.

function draw(tag, attributes, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) e.setAttribute(key, value);
  e.append(...children);
  return e;
}
const tenth = x => Math.round(x * 10) / 10;
const shows = part => data.show.includes(part);
const titled = text => draw("title", {}, text);
const clip = (text, length) => text.length > length ? `${text.slice(0, length - 1)}…` : text;
const firstOf = inside => Math.min(Infinity, ...inside.map(n => firstStep.has(nodes[n].id) ? firstStep.get(nodes[n].id) : Infinity));

// the text in a box: rows of pieces
function rowsOf(item) {
  const bold = (before, text) => ({ text: before + clip(text, 40), size: TYPE, bold: true }), quiet = text => ({ text, size: SMALL });
  const taken = stepsIn.length ? item.nodes.map(n => stepsIn[passOf()].get(nodes[n].id)).filter(k => k !== undefined) : [];
  const turn = shows("grads") && taken.length ? `${Math.min(...taken) + 1}◂ ` : "";
  if (item.folded) {
    const f = item.folded, last = [...f.nodes].reverse().find(n => nodes[n].inputs.length);
    const row = [bold(turn, f.name), ...(f.ops > 1 ? [quiet(`${f.ops} ops`)] : [])];
    if (shows("shapes") && last !== undefined) row.push(quiet(shapeText(nodes[last].shape)));
    const only = f.inside.length === 1 ? f.inside[0] : f;   // what repeats is said before it is opened
    const turns = only.times ? (only.turn.length ? only.turn.join(", ") : only === f ? "" : only.name.split(": ").at(-1)) : "";
    return turns ? [row, [quiet(clip(turns, 44))]] : [row];
  }
  const n = nodes[item.node], shape = shows("shapes") ? [quiet(shapeText(n.shape))] : [];
  if (item.pill) {
    const home = item.host.node === undefined ? "" : nodes[item.host.node].module, full = name(n);
    if (shape.length) shape[0].text = shape[0].text.replaceAll(", ", ",");
    const row = [bold(item.echo ? "↑ " : turn, home && full.startsWith(`${home}.`) ? full.slice(home.length + 1) : full), ...shape];
    const norms = item.uses.filter(u => u.given && !u.elsewhere).map(gradientText);
    return norms.length && shows("grads") ? [row, [{ text: norms.join("  "), size: SMALL, warm: true }]] : [row];
  }
  const call = item.call ? `${item.call.name.split(": ")[0]}: ` : "";
  const row = [bold(turn, call + name(n)), ...(data.nest.notes[item.node] ? [quiet(data.nest.notes[item.node])] : []), ...shape];
  const more = [];
  if (shows("values") && n.value !== undefined && tensors[n.value].min !== null) more.push(`${num(tensors[n.value].min)} … ${num(tensors[n.value].max)}`);
  const saved = n.saved.filter(s => s.shape);
  if (shows("saved") && saved.length) more.push(`saves ${saved.map(s => s.name).join(", ")}: ${bytes(saved.reduce((s, x) => s + x.bytes, 0))}`);
  return more.length ? [row, [quiet(clip(more.join("; "), 48))]] : [row];
}
const gradientText = ({ given, elsewhere }) => elsewhere ? "" : `‖g‖ ${num(given.norm)}${given.use && given.use[1] > 1 ? ` (${given.use[0]} of ${given.use[1]})` : ""}`;
function labelOf(e) {
  if (e.uses.length > 1) return plural(e.uses.length, "tensor");
  return e.uses[0].given && shows("grads") ? gradientText(e.uses[0]) : "";
}

function drawn(all) {
  const svg = draw("svg", { role: "group", "font-family": "Helvetica,Arial,sans-serif", "font-size": TYPE, fill: "#1b1b22",
    viewBox: `0 0 ${tenth(all.width)} ${tenth(all.height)}`, width: tenth(all.width), height: tenth(all.height) });
  const behind = draw("g", {}), lines = draw("g", {}), front = draw("g", {});
  const out = { svg, of: new Map(), boxes: [], gradients: [], echoes: new Map(), flows: new Map(), heads: new Map(), at: new Map() };
  const put = (map, key, e) => (map.get(key) || map.set(key, []).get(key)).push(e);
  const arrows = (uses, forward, back, label) => {   // one arrow each way, however many tensors go along it
    const use = uses.find(u => u.given) || uses.find(u => u.edge.needs_grad) || uses[0], shown = use.given && shows("grads");
    const grey = !use.edge.needs_grad, tip = grey ? `${use.edge.port}: ${use.edge.reason || ""}` : use.edge.port;
    const data_ = arrow("data", forward, grey ? "#767676" : "#4a4a55", grey, tip, shown ? null : label);
    if (cutOf(use)) severed(data_, forward, cutOf(use));
    lines.append(data_);
    if (!shown) return;
    const e = arrow("grad", back, "#b04a00", true, `gradient into ${use.edge.port}`, label);
    e.id = `g${out.gradients.length}`;
    if (use.elsewhere) e.classList.add("other-pass");
    warm(e, uses.filter(u => u.given).map(u => u.given.norm));
    lines.append(e);
    out.gradients.push({ e, uses });
    for (const u of uses) put(out.flows, u.target, e);
  };
  (function frameOf(f) {
    if (f.outer) {
      const [x, y, w] = [f.X - f.left + 3, f.Y + 1, f.left + f.right - 6];
      behind.append(draw("path", { class: "border", d: rounded(x, y, w, f.h - 3, 8), fill: "none", stroke: "#8d8d99", "stroke-dasharray": f.frame.times ? "5 3" : undefined }));
      const head = draw("g", { class: "frame", tabindex: 0, role: "button", "aria-expanded": "true", "aria-label": `${f.frame.name}, open; Enter folds it`, "data-frame": f.frame.key },
        titled(f.frame.module || f.frame.name), draw("rect", { x: tenth(x), y: tenth(y), width: tenth(w), height: HEAD + 3, fill: "none", "pointer-events": "all" }),
        text(`▾ ${f.frame.name}`, x + 7, y + 14, { "font-size": SMALL, fill: "#45454f" }));
      out.heads.set(f.frame.key, head);
      out.at.set(head, [f.X, f.Y + HEAD / 2]);
    }
    f.items.forEach(i => i.items && frameOf(i));
  })(all.root);
  all.boxes.forEach((item, b) => {
    if (item.pill) { item.X = item.host.X + item.x; item.Y = item.host.Y + item.host.h / 2 + item.y; }
    const e = box(item);
    e.id = `b${b}`;
    e.dataset.box = b;
    e.dataset.nodes = item.nodes.join(" ");
    out.boxes.push({ e, item });
    item.nodes.forEach(n => out.of.set(n, e));
    out.at.set(e, [item.X, item.Y + item.h / 2]);
    for (const p of item.pills || []) {
      if (p.echo) { p.X = item.X + p.x; p.Y = item.Y + item.h / 2 + p.y; const e = box(p); front.append(e); put(out.echoes, p.node, e); }
      p.uses.forEach((use, k) => {
        const side = Math.sign(p.x), y = item.Y + item.h / 2, from = [item.X + p.x - side * p.w / 2, item.Y + item.h / 2 + p.y + p.h / 2], to = item.X + side * item.w / 2;
        const level = Math.max(y - item.boxH / 2 + 7, Math.min(y + item.boxH / 2 - 7, from[1])), off = (k - (p.uses.length - 1) / 2) * 9;
        const line = d => [[from[0], from[1] + d + off], [to, level + d + off]];
        arrows([use], line(-2.5), line(2.5), null);
      });
    }
  });
  for (const e of all.edges) {
    const beside = d => e.points.map(([x, y]) => [x + d, y]), { across } = e, label = labelOf(e);
    arrows(e.uses, beside(2.5), beside(-2.5), label ? lettered(label, across.label, across.frame) : null);
  }
  // focused in the order of backward, a frame before what is in it
  const order = [...out.boxes.map(({ e, item }, b) => [firstOf(item.nodes), item.nodes[0], 1e6, e]),
    ...[...out.heads].map(([key, e]) => [firstOf(frames.get(key).nodes), frames.get(key).nodes[0], frames.get(key).level, e])];
  order.sort((p, q) => p[0] - q[0] || (p[0] === Infinity ? p[1] - q[1] : 0) || p[2] - q[2]);
  front.append(...order.map(o => o[3]));
  svg.append(behind, lines, front);
  return out;
}
function lettered(label, { x, y, after, along, on }, frame) {
  const at = [frame.X + x + (on ? 0 : after ? 8 : -8), frame.Y + y], anchor = along || on ? "middle" : after ? undefined : "end";
  if (along && along < wide(label, SMALL)) label = label.replace(/ \(.*/, "");
  return text(label, ...at, { "font-size": SMALL, fill: "#8f3c00", "text-anchor": anchor, transform: along ? `rotate(90 ${at.map(tenth).join(" ")})` : undefined });
}
function text(what, x, y, attributes) { return draw("text", { x: tenth(x), y: tenth(y), ...attributes }, what); }
function rounded(x, y, w, h, r) {
  const t = tenth;
  return `M${t(x + r)} ${t(y)}H${t(x + w - r)}A${r} ${r} 0 0 1 ${t(x + w)} ${t(y + r)}V${t(y + h - r)}A${r} ${r} 0 0 1 ${t(x + w - r)} ${t(y + h)}H${t(x + r)}A${r} ${r} 0 0 1 ${t(x)} ${t(y + h - r)}V${t(y + r)}A${r} ${r} 0 0 1 ${t(x + r)} ${t(y)}z`;
}
function box(item) {
  const inside = item.nodes.map(n => nodes[n]), n = inside[0], w = item.w, h = item.pill ? item.h : item.boxH;
  const kind = item.folded ? "module" : n.failed ? "failed" : n.kind === "op" && n.output ? "output" : n.kind, grey = !inside.some(m => m.needs_grad || m.failed);
  const [fill, stroke] = data.colours[grey ? "grey" : kind], x = item.X - w / 2, y = item.Y + (item.h - h) / 2;
  const shape = { fill, stroke, "stroke-dasharray": kind === "buffer" ? "4 2" : undefined };
  const round = item.pill || kind === "input" ? Math.min(12, h / 2) : kind === "output" || kind === "module" ? 1 : 6;
  const e = draw("g", item.echo ? { class: `echo ${kind}`, "data-node": item.node } : { class: `box ${kind}${grey ? " grey" : ""}${item.pill ? " pill" : ""}`, tabindex: 0, role: "button", "aria-label": boxLabel(item), "aria-expanded": item.folded ? "false" : undefined },
    titled(item.folded ? item.folded.module || item.folded.name : n.id));
  const many = item.folded && (item.folded.times || item.folded.inside.length === 1 && item.folded.inside[0].times);
  if (many) e.append(draw("g", {}, ...[8, 4].map(d => draw("path", { ...shape, d: rounded(x + d, y + d / 2, w, h - d, round) }))));
  e.append(draw("path", { ...shape, d: rounded(x, y, w, h, round) }));
  if (kind === "output") e.append(draw("path", { d: rounded(x + 2.5, y + 2.5, w - 5, h - 5, 1), fill: "none", stroke }));
  if (h < 30) e.append(draw("rect", { x: tenth(x), y: tenth(y - 4), width: tenth(w), height: h + 8, fill: "none", "pointer-events": "all" }));
  item.rows.forEach((row, k) => {
    let at = x + 10;
    if (item.pill && k) at = x + w / 2 - wide(row[0].text, row[0].size) / 2;
    for (const t of row) {
      e.append(text(t.text, at, y + 15 + 13 * k, t.bold ? { "font-weight": 600, fill: grey ? "#555555" : undefined } : { "font-size": t.size, fill: t.warm ? "#8f3c00" : "#555555" }));
      at += wide(t.text, t.size, t.bold) + 7;
    }
  });
  return e;
}
function arrow(kind, points, colour, dashed, tip, label) {
  const shown = points.filter((p, i) => !i || Math.abs(p[0] - points[i - 1][0]) + Math.abs(p[1] - points[i - 1][1]) > 0.1);
  const flat = shown.length === 2 && Math.abs(shown[0][0] - shown[1][0]) > Math.abs(shown[0][1] - shown[1][1]);
  const ends = kind === "data" ? [shown.length - 2, shown.length - 1] : [1, 0], [from, tip_] = ends.map(i => shown[i]);
  const dx = flat ? Math.sign(tip_[0] - from[0]) : 0, dy = flat ? 0 : Math.sign(tip_[1] - from[1]);
  const stop = [tip_[0] - 5 * dx, tip_[1] - 5 * dy];
  const line = shown.map((p, i) => i === ends[1] ? stop : p), t = tenth;
  let d = `M${t(line[0][0])} ${t(line[0][1])}`;
  for (let i = 1; i < line.length; i++) {
    const [[x0, y0], [x1, y1]] = [line[i - 1], line[i]];
    d += Math.abs(x0 - x1) < 0.1 ? `V${t(y1)}` : flat ? `L${t(x1)} ${t(y1)}` : `C${t(x0)} ${t((y0 + y1) / 2)} ${t(x1)} ${t((y0 + y1) / 2)} ${t(x1)} ${t(y1)}`;
  }
  const head = [tip_, [stop[0] - 3 * dy, stop[1] - 3 * dx], [stop[0] + 3 * dy, stop[1] + 3 * dx]].map(p => p.map(t).join(",")).join(" ");
  return draw("g", { class: kind + (kind === "data" && dashed ? " grey" : "") }, titled(tip), draw("path", { d, fill: "none", stroke: colour, "stroke-dasharray": dashed ? kind === "data" ? "1 4" : "5 2" : undefined }),
    draw("polygon", { points: head, fill: colour, stroke: colour }), ...(label ? [label] : []));
}
