// The panes on the right: the tensors of a step, the script, what backward costs, what changed.

function tensorPane() {
  const id = selected(), n = nodes[place.get(id)], step = state.node === null && steps.length ? steps[state.step] : null;
  const out = [];
  if (!tensors.length) out.push(el("p", { class: "quiet" }, "This document holds no values; record them with viz.record(values=True)."));
  const cards = {};
  const put = (key, title, index, hooks) => { if (index !== undefined) { const c = card(title, index, hooks); if (c) { cards[key] = c; out.push(c); } } };
  const linked = special(n, step, cards);
  put("out", n.inputs.length ? "value: the result" : "value", n.value, linked.out);
  put("g", n.inputs.length ? "gradient that arrives" : "gradient", step && step.gradient, linked.g);
  if (step && step.parts) for (const [k, part] of Object.entries(step.parts)) put(`g${k}`, `gradient of output ${k}`, part.gradient);
  n.inputs.forEach((edge, port) => {
    const source = edge.from !== null && nodes[place.get(edge.from)], one = step && !asking() && step.inputs.find(i => i.port === port);
    if (source) put(`in:${edge.port}`, `value of ${edge.port}`, source.value, linked.input && linked.input(edge));
    if (one && one.contribution !== undefined) put(`to:${edge.port}`, `gradient into ${edge.port}${one.use && one.use[1] > 1 ? `, ${one.use[0]} of ${one.use[1]}` : ""}`, one.contribution);
    if (one && one.sum !== undefined) put(`sum:${edge.port}`, `sum after ${one.use[0]} of ${one.use[1]}`, one.sum);
  });
  const known = new Set(n.inputs.map(e => e.port).concat("out"));
  n.saved.forEach(s => { if (!known.has(s.name)) put(`saved:${s.name}`, `saved: ${s.name}`, s.value); });
  if (linked.note) out.unshift(linked.note);
  if (linked.extra) out.unshift(...linked.extra());
  if (doc.samples && doc.samples.thinned) out.push(el("p", { class: "quiet" }, `Thinned: ${doc.samples.thinned}.`));
  $("tensors").replaceChildren(...out);
}

let scripted = null, lines = new Map();
function scriptPane() {
  const files = Object.entries(doc.sources).filter(([, text]) => text.length);
  if (!scripted) {
    scripted = true;
    const at = new Map();
    nodes.forEach(n => { if (n.where) { const k = `${n.where.file}:${n.where.line}`; (at.get(k) || at.set(k, []).get(k)).push(n.id); } });
    $("script").replaceChildren(...files.flatMap(([file, text]) => [el("h3", {}, file), el("pre", { class: "code", tabindex: 0, "aria-label": file }, ...text.map((line, i) => {
      const ids = at.get(`${file}:${i + 1}`) || [];
      const row = el("span", { class: "l" }, el("b", {}, String(i + 1)), line, ...ids.slice(0, 8).map(id => el("button", { type: "button", "aria-label": `go to ${id}`, on: { click: () => goNode(id) } }, name(nodes[place.get(id)]))));
      lines.set(`${file}:${i + 1}`, row);
      return row;
    }))]));
    if (!files.length) $("script").append(el("p", { class: "quiet" }, "No script lines: they are noted while viz.record() is on."));
  }
  lines.forEach(row => row.classList.remove("hit"));
  const n = nodes[place.get(selected())], row = n && n.where && lines.get(`${n.where.file}:${n.where.line}`);
  if (row) { row.classList.add("hit"); row.scrollIntoView({ block: "nearest" }); }
}
let costed = false;
function costPane() {
  if (costed) return;
  costed = true;
  const total = nodes.length + steps.length || 1, time = data.timings || { forward: {}, backward: [] };
  const ends = id => firstStep.has(id) ? nodes.length + firstStep.get(id) : total;
  const rows = nodes.map((n, i) => ({ n, i, saved: n.saved.reduce((s, x) => s + x.bytes, 0), f: time.forward[n.id], b: time.backward.reduce((s, p) => p[n.id] === undefined ? s : (s || 0) + p[n.id], undefined) })).filter(r => r.n.kind === "op");
  const change = new Array(total + 1).fill(0);
  rows.forEach(r => { change[r.i] += r.saved; change[ends(r.n.id)] -= r.saved; });
  let held = 0, peak = 0;
  change.forEach(c => { held += c; peak = Math.max(peak, held); });
  rows.sort((a, b) => b.saved - a.saved || a.i - b.i);
  const timed = e => data.timings ? e : null;
  const all = rows.reduce((s, r) => s + r.saved, 0);
  $("cost").replaceChildren(
    el("p", {}, `Saved for backward: ${bytes(all)} in all, at most ${bytes(peak)} at once. An array that several ops save counts for each. `, data.timings ? `Rules took ${micro(rows.reduce((s, r) => s + (r.b || 0), 0))}; forward times include the Python between two ops.` : "Times are kept apart; give the page timings=True to see them."),
    el("table", {}, el("thead", {}, el("tr", {}, ...["op", "saved", ...(data.timings ? ["forward", "backward"] : []), "held"].map(h => el("th", { scope: "col", class: h[0] === "h" || h === "op" ? undefined : "num" }, h)))),
      el("tbody", {}, ...rows.slice(0, 300).map(r => el("tr", {}, el("td", {}, nodeLink(r.n.id)), el("td", { class: "num" }, bytes(r.saved)), timed(el("td", { class: "num" }, micro(r.f))), timed(el("td", { class: "num" }, micro(r.b))),
        el("td", {}, r.saved ? el("div", { class: "span", role: "img", "aria-label": `from ${r.i} to ${ends(r.n.id)} of ${total}` }, el("i", { style: `left:${100 * r.i / total}%;width:${100 * (ends(r.n.id) - r.i) / total}%` })) : ""))))));
  if (rows.length > 300) $("cost").append(el("p", { class: "quiet" }, `and ${rows.length - 300} more ops`));
}
function changesPane() {
  if (!data.compared || $("changes").childElementCount) return;
  const c = data.compared;
  $("changes").append(el("p", {}, `${c.before} → ${c.after}: ${c.summary}`), el("table", {}, el("thead", {}, el("tr", {}, ...["node", "what", "before", "after"].map(h => el("th", { scope: "col" }, h)))),
    el("tbody", {}, ...c.rows.map(r => el("tr", {}, el("td", {}, place.has(r.node) ? nodeLink(r.node) : r.node), el("td", {}, r.what), el("td", {}, r.before), el("td", {}, r.after))))), el("h3", {}, `The graph of ${c.before}`));
  $("changes").append(new DOMParser().parseFromString(c.picture, "image/svg+xml").documentElement);
}
