// What a few ops let one see: a convolution's patch, a max-pool's route, a ReLU's mask, p − y.

function special(n, step, cards) {
  const pair = (v, otherwise) => Array.isArray(v) ? v.length > 1 ? v : [v[0], v[0]] : typeof v === "number" ? [v, v] : otherwise;
  const source = port => { const e = n.inputs.find(i => i.port === port); return e && e.from !== null ? nodes[place.get(e.from)] : null; };
  const a = n.attributes;
  const shapeOf = port => { const e = n.inputs.find(i => i.port === port); return e && e.shape; };
  const note = text => el("p", { class: "quiet" }, text);

  // the window [rows, columns] of the input that output pixel (p, q) looks at
  function windowOf(p, q, kernel, stride, padding, dilation, [H, W]) {
    const range = (o, d, size) => {
      const from = o * stride[d] - padding[d], to = from + (kernel[d] - 1) * dilation[d];
      return [Math.max(0, from), Math.min(size - 1, to), from];
    };
    return [range(p, 0, H), range(q, 1, W)];
  }
  function frames(g, lead, [rows, columns]) {   // the window as rectangles on a heatmap, one for each plane that is shown
    const out = [];
    for (const l of lead) {
      const a1 = g.cell(g.position([...l, rows[0], columns[0]])), b1 = g.cell(g.position([...l, rows[1], columns[1]]));
      if (a1 && b1) out.push([...a1, ...b1]);
    }
    return out;
  }
  const clear = key => () => { if (cards[key] && cards[key].show) cards[key].show.draw(); };

  if (n.op === "conv2d" && shapeOf("input") && shapeOf("weight") && shapeOf("input").length === 4) {
    const kernel = shapeOf("weight").slice(2), stride = pair(a.stride, [1, 1]), dilation = pair(a.dilation, [1, 1]), size = shapeOf("input").slice(2);
    let padding = pair(a.padding, null);
    if (!padding) padding = a.padding === "same" ? kernel.map((k, d) => Math.floor(dilation[d] * (k - 1) / 2)) : [0, 0];
    const hover = ([s, , p, q], read) => {
      const target = cards["in:input"];
      if (!target || !target.show) return;
      const w = windowOf(p, q, kernel, stride, padding, dilation, size);
      target.show.draw(frames(target.show.g, [...Array(shapeOf("input")[1]).keys()].map(c => [s, c]), w));
      read.textContent += `   its patch: rows ${w[0][0]}–${w[0][1]}, columns ${w[1][0]}–${w[1][1]} of every channel`;
    };
    const hooks = { hover, leave: clear("in:input") };
    return { out: hooks, g: hooks, note: note("Point at a pixel of the result or of its gradient: its patch of the input is framed.") };
  }
  if (n.op === "max_pool2d" && shapeOf("input") && shapeOf("input").length === 4) {
    const kernel = pair(a.kernel_size, [2, 2]), stride = pair(a.stride, kernel), padding = pair(a.padding, [0, 0]), dilation = pair(a.dilation, [1, 1]);
    const saved = n.saved.find(s => s.name === "choice"), choice = saved && tensors[saved.value] && grid(tensors[saved.value]);
    const hover = ([s, c, p, q], read) => {
      const w = windowOf(p, q, kernel, stride, padding, dilation, shapeOf("input").slice(2));
      for (const key of ["in:input", "to:input"]) {
        const target = cards[key];
        if (!target || !target.show) continue;
        const marks = frames(target.show.g, [[s, c]], w), at = choice && choice.cell(choice.position([s, c, p, q]));
        if (at) {
          const k = Math.round(choice.value(...at)), y = w[0][2] + Math.floor(k / kernel[1]) * dilation[0], x = w[1][2] + k % kernel[1] * dilation[1];
          const cell = target.show.g.cell(target.show.g.position([s, c, y, x]));
          if (cell) marks.push([...cell, ...cell]);
          if (key === "in:input") read.textContent += `   from [${s}, ${c}, ${y}, ${x}], the largest of its window`;
        }
        target.show.draw(marks);
      }
    };
    const hooks = { hover, leave: () => { clear("in:input")(); clear("to:input")(); } };
    return { out: hooks, g: hooks, note: note("Point at a pixel of the result or of its gradient: its window is framed, and the element that won.") };
  }
  if (n.op === "relu") {
    const t = tensors[n.value];
    return { extra: () => t ? [el("p", {}, `Mask: the gradient passes where the result is positive, that is ${num(100 * (1 - t.zeros))} % of ${shapeText(t.shape)}.`)] : [],
      out: { hover: (i, read) => { read.textContent += read.textContent.match(/= (≈ )?0$/) ? "   mask 0: closed" : "   mask 1: open"; } } };
  }
  if (n.op === "cross_entropy" && source("input") && source("target")) return { extra: () => bars(source("input"), source("target")) };
  return {};

  function bars(logits, target) {
    const x = tensors[logits.value] && grid(tensors[logits.value]), y = tensors[target.value] && grid(tensors[target.value]);
    if (!x || !y || logits.shape.length !== 2 || target.shape.length !== 1) return [];
    const N = logits.shape[0], K = logits.shape[1], place_ = el("div", { class: "bars" });
    const rows = [...Array(N).keys()].filter(r => y.cell(r) && x.cell(x.position([r, K - 1])) && x.cell(x.position([r, 0]))).slice(0, 64);
    if (!rows.length || K > 40) return [];
    const draw = r => {
      const z = [...Array(K).keys()].map(k => x.value(...(x.cell(x.position([r, k])) || [0, 0]))), top = Math.max(...z);
      const e = z.map(v => Math.exp(v - top)), sum = e.reduce((s, v) => s + v, 0), label = Math.round(y.value(...y.cell(r)));
      place_.replaceChildren(...e.flatMap((v, k) => {
        const p = v / sum, d = p - (k === label ? 1 : 0);
        return [el("span", {}, `class ${k}${k === label ? " (y)" : ""}`),
          el("span", { class: "track", role: "img", "aria-label": `p − y = ${num(d)}` }, el("i", { class: d < 0 ? "down" : "up", style: d < 0 ? `right:50%;width:${-50 * d}%` : `left:50%;width:${50 * d}%` })),
          el("span", { class: "num" }, `${num(p)} − ${k === label ? 1 : 0} = ${num(d)}`)];
      }));
    };
    const select = el("select", { "aria-label": "example", on: { change: e => draw(Number(e.target.value)) } }, ...rows.map(r => el("option", { value: r }, `example ${r}`)));
    draw(rows[0]);
    return [el("div", { class: "card", id: "p-minus-y" }, el("h3", {}, "p − y: what softmax with cross-entropy sends back ", select), place_,
      el("p", { class: "stats" }, "p is the softmax of the logits, y is 1 at the label; the mean over the batch divides by its size."))];
  }
}
