// Heatmaps: a cell is an element of the array, and zero is the middle of the scale.

function grid(t) {
  const size = t.shape.reduce((a, b) => a * b, 1);
  let m = t.mosaic, values;
  if (m) {
    const raw = Uint8Array.from(atob(m.data), c => c.charCodeAt(0)), q = new Int16Array(raw.buffer);
    values = Array.from(q, x => x === -32768 ? NaN : x * m.unit);
  } else if (t.values) {
    const s = t.shape.length > 1 ? t.shape : [Math.ceil(size / Math.min(size || 1, 16)), Math.min(size, 16)];
    const [h, w] = s.slice(-2), planes = s.slice(0, -2).reduce((a, b) => a * b, 1);
    const across = Math.max(1, Math.min(planes, Math.floor(16 / Math.max(w, 1))));
    m = { grid: [Math.ceil(planes / across), across], tile: [h, w], step: [1, 1], plane: [h, w], planes };
  } else return null;
  const rows = m.grid[0] * m.tile[0], cols = m.grid[1] * m.tile[1];
  const flat = (r, c) => {
    const plane = Math.floor(r / m.tile[0]) * m.grid[1] + Math.floor(c / m.tile[1]);
    const f = (plane * m.plane[0] + (r % m.tile[0]) * m.step[0]) * m.plane[1] + (c % m.tile[1]) * m.step[1];
    return plane < m.planes && f < size ? f : -1;
  };
  const cell = f => {
    const area = m.plane[0] * m.plane[1], plane = Math.floor(f / area), y = Math.floor(f % area / m.plane[1]), x = f % m.plane[1];
    if (y % m.step[0] || x % m.step[1] || plane >= m.grid[0] * m.grid[1]) return null;
    return [Math.floor(plane / m.grid[1]) * m.tile[0] + y / m.step[0], plane % m.grid[1] * m.tile[1] + x / m.step[1]];
  };
  const value = (r, c) => { const f = flat(r, c); return f < 0 ? undefined : t.mosaic ? values[r * cols + c] : Number(t.values[f]); };
  const index = f => { const i = []; for (let d = t.shape.length - 1, left = f; d >= 0; d--) { i.unshift(left % t.shape[d]); left = Math.floor(left / t.shape[d]); } return i; };
  const position = i => i.reduce((f, x, d) => f * t.shape[d] + x, 0);
  const shown = m.grid[0] * m.grid[1];
  const partly = [m.planes > shown ? `planes 0–${shown - 1} of ${m.planes}` : "", m.step[0] > 1 || m.step[1] > 1 ? `every ${Math.max(...m.step)}${{ 2: "nd" }[Math.max(...m.step)] || "th"} element` : ""].filter(Boolean).join(", ");
  return { t, m, rows, cols, flat, cell, value, index, position, partly, exact: !t.mosaic };
}
const colour = (v, top, c) => {
  if (!Number.isFinite(v)) return Number.isNaN(v) ? "#d000d0" : v > 0 ? `rgb(${c.plus})` : `rgb(${c.minus})`;
  const k = top ? Math.min(1, Math.abs(v) / top) ** 0.8 : 0, to = v < 0 ? c.minus : c.plus;
  return `rgb(${to.map((x, i) => Math.round(c.zero[i] + (x - c.zero[i]) * k)).join(",")})`;
};
function palette() {
  const css = getComputedStyle(root), get = k => css.getPropertyValue(k).split(",").map(Number);
  return { zero: get("--zero"), plus: get("--plus"), minus: get("--minus"), text: css.getPropertyValue("--text"), now: css.getPropertyValue("--now") };
}
function card(title, index, hooks = {}) {
  const t = tensors[index];
  if (!t) return null;
  const g = grid(t), box = el("div", { class: "card", "data-tensor": index }, el("h3", {}, title, " ", el("small", {}, `${shapeText(t.shape)} ${t.dtype}`)));
  const top = Math.max(Math.abs(Number(t.min) || 0), Math.abs(Number(t.max) || 0));
  const stats = `min ${num(t.min)}, max ${num(t.max)}, mean ${num(t.mean)}, ‖·‖ ${num(t.l2)}, zeros ${num(100 * t.zeros)} %${t.nan ? `, NaN ${t.nan}` : ""}${t.inf ? `, infinite ${t.inf}` : ""}`;
  if (g && g.rows && g.cols) {
    const gap = g.m.grid[0] * g.m.grid[1] > 1 ? 2 : 0;
    const size = Math.max(2, Math.min(g.exact ? 34 : 12, Math.floor(300 / Math.max(g.cols, g.rows * 0.8))));
    const tall = Math.max(size, Math.min(14, Math.floor(48 / g.rows)));   // a few long rows are drawn higher
    const xy = (r, c) => [c * size + Math.floor(c / g.m.tile[1]) * gap, r * tall + Math.floor(r / g.m.tile[0]) * gap];
    const [w, h] = xy(g.rows, g.cols);
    const canvas = el("canvas", { width: w - gap || 1, height: h - gap || 1, tabindex: 0, role: "img", "aria-label": `${title}, ${shapeText(t.shape)}: ${stats}. Arrow keys read elements.` });
    const read = el("p", { class: "read num" });
    const paint = canvas.getContext("2d");
    const draw = marks => {
      const c = palette();
      paint.clearRect(0, 0, canvas.width, canvas.height);
      for (let r = 0; r < g.rows; r++) for (let k = 0; k < g.cols; k++) {
        const v = g.value(r, k);
        if (v === undefined) continue;
        const [x, y] = xy(r, k);
        paint.fillStyle = colour(v, top, c);
        paint.fillRect(x, y, size, tall);
        if (Number.isNaN(v) && size > 3) { paint.strokeStyle = "#fff"; paint.beginPath(); paint.moveTo(x, y); paint.lineTo(x + size, y + tall); paint.stroke(); }
        if (g.exact && size >= 26) {
          const bright = paint.fillStyle, lum = [1, 3, 5].map(i => parseInt(bright.slice(i, i + 2), 16)).reduce((s, q, i) => s + q * [0.3, 0.59, 0.11][i], 0);
          paint.fillStyle = lum > 130 ? "#000" : "#fff";
          paint.font = "9px monospace";
          paint.textAlign = "center";
          paint.fillText(brief(v), x + size / 2, y + tall / 2 + 3);
        }
      }
      paint.strokeStyle = c.now;
      paint.lineWidth = 2;
      (marks || []).forEach(([r, k, r2, k2]) => { const [x, y] = xy(r, k), [x2, y2] = xy(r2, k2); paint.strokeRect(x + 1, y + 1, x2 - x + size - 2, y2 - y + tall - 2); });
    };
    let at = [0, 0];
    const hover = (r, k) => {
      const f = g.flat(r, k);
      if (f < 0) return;
      at = [r, k];
      draw([[r, k, r, k]]);
      read.textContent = `[${g.index(f).join(", ")}] = ${g.exact ? num(g.value(r, k)) : `≈ ${num(g.value(r, k))}`}`;
      if (hooks.hover) hooks.hover(g.index(f), read);
    };
    canvas.addEventListener("pointermove", e => {
      const r = canvas.getBoundingClientRect(), s = canvas.width / r.width;
      const px = (e.clientX - r.left) * s, py = (e.clientY - r.top) * s;
      const k = Math.floor(px / (size + gap / g.m.tile[1])), row = Math.floor(py / (tall + gap / g.m.tile[0]));
      if (row >= 0 && k >= 0 && row < g.rows && k < g.cols) hover(row, k);
    });
    canvas.addEventListener("pointerleave", () => { draw(); if (hooks.leave) hooks.leave(); });
    canvas.addEventListener("keydown", e => {
      const by = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[e.key];
      if (!by) return;
      e.preventDefault();
      hover(Math.max(0, Math.min(g.rows - 1, at[0] + by[0])), Math.max(0, Math.min(g.cols - 1, at[1] + by[1])));
      $("live").textContent = read.textContent;
    });
    draw();
    box.append(canvas, el("div", { class: "scale" }, num(-top), el("i", {}), num(top), el("span", {}, g.partly ? `shown: ${g.partly}` : "")), read);
    box.show = { g, draw };
  } else if (!g) box.append(el("p", { class: "quiet" }, doc.samples.thinned));
  box.append(el("p", { class: "stats" }, stats));
  return box;
}
