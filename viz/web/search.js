// Search: by name, by shape as (16, 6, 5, 5) or 16×6×5×5, by line as net.py:28 or line 28, and for nan, inf and zero.

const normsOf = new Map();   // node -> the norms of the gradients that arrive there
made(() => {
  normsOf.clear();
  steps.forEach(s => { for (const [id, norm] of [[s.node, s.norm], ...s.inputs.map(i => [i.node, i.norm])]) (normsOf.get(id) || normsOf.set(id, []).get(id)).push(norm); });
});
const FINDS = {
  nan: n => { const t = tensors[n.value]; return [t && t.nan ? `${t.nan} NaN in its value` : "", (normsOf.get(n.id) || []).includes("NaN") ? "NaN in its gradient" : ""]; },
  inf: n => { const t = tensors[n.value]; return [t && t.inf ? `${t.inf} infinite in its value` : "", (normsOf.get(n.id) || []).some(x => typeof x === "string" && x !== "NaN") ? "its gradient is infinite" : ""]; },
  zero: n => { const t = tensors[n.value], g = normsOf.get(n.id) || []; return [g.length && g.every(x => x === 0 || x === null) ? "its gradient is zero" : "", t && t.zeros === 1 ? "its value is zero" : ""]; },
};
const found = n => `${n.id} ${n.op} ${n.kind} ${n.parameters.join(" ")}`.toLowerCase();
const lineOf = n => n.where ? `${n.where.file}:${n.where.line}` : "";
function matcher(text) {   // a function of a node: why it is found, or null
  let left = text.toLowerCase(), shape = null, line = null;
  left = left.replace(/[([]\s*(\d+(?:\s*[,x×]\s*\d+)*)?\s*,?\s*[)\]]|\b\d+(?:\s*[,x×]\s*\d+)+\b/, s => { shape = (s.match(/\d+/g) || []).join(", "); return " "; });
  left = left.replace(/(?:\bline\s+|(\S*):)(\d+)\b(?!\S)/, (all, file, number) => { if (file && nodes.some(n => n.id.toLowerCase().includes(`${file}:${number}`))) return all; line = [file || "", number]; return " "; });
  const words = left.split(/\s+/).filter(Boolean);
  return n => {
    const why = [], name = found(n);
    if (shape !== null && `, ${n.shape.join(", ")}, `.indexOf(`, ${shape}, `) < 0 && !(shape === "" && !n.shape.length)) return null;
    if (line && !(n.where && String(n.where.line) === line[1] && n.where.file.toLowerCase().endsWith(line[0]))) return null;
    for (const w of words) {
      const said = FINDS[w] ? FINDS[w](n).filter(Boolean) : [];
      why.push(...said);
      if (!said.length && !name.includes(w)) {   // a bare number is a line, or a length of the shape
        const line = n.where && String(n.where.line) === w ? lineOf(n) : n.shape.includes(Number(w)) && /^\d+$/.test(w) ? shapeText(n.shape) : "";
        if (!line) return null;
        why.push(line);
      }
    }
    if (shape !== null) why.push(shapeText(n.shape));
    if (line) why.push(lineOf(n));
    return why.join(", ");
  };
}
const lost = doc.unused.map(u => ({ id: u.name, op: "", kind: "parameter", parameters: [], shape: u.shape, reason: u.reason }));   // no node is theirs
let hits = [];
$("search").addEventListener("input", () => {
  const text = $("search").value.trim(), why = new Map(), find = matcher(text);
  hits = text ? [...nodes, ...lost].filter(n => { const w = find(n); if (w !== null) why.set(n, w); return w !== null; }) : [];
  const named = n => why.get(n) || !text.toLowerCase().split(/\s+/).every(w => n.id.toLowerCase().includes(w)) ? 1e6 : n.id.length;
  hits.sort((a, b) => named(a) - named(b));
  $("found").hidden = !text;
  $("found").replaceChildren(...hits.slice(0, 40).map(n => el("li", {}, el("a", { href: `#node=${encodeURIComponent(n.id)}`, on: { click: pick } }, n.id), el("small", {}, why.get(n) || shapeText(n.shape)))),
    el("li", { class: "quiet" }, hits.length > 40 ? `and ${hits.length - 40} more` : hits.length ? plural(hits.length, "node") : "nothing found"));
});
function pick(e) { e.preventDefault(); goFound(new URLSearchParams(e.currentTarget.hash.slice(1)).get("node")); }
function goFound(id) {
  pause();
  $("found").hidden = true;
  $("search").value = "";
  const unused = lost.find(u => u.id === id);
  if (unused && !place.has(id)) { openTab("list"); say(`${id}: no gradient was computed; ${unused.reason}`); }
  else if (firstStep.has(id)) go(firstStep.get(id)); else goNode(id);   // a step of backward, wherever the film is
  $("step-title").focus();
}
$("search").addEventListener("keydown", e => {
  if (e.key === "Enter" && hits.length) goFound(hits[0].id);
  else if (e.key === "Escape") { $("found").hidden = true; $("search").value = ""; $("step-title").focus(); }
  else return;
  e.preventDefault();
});
document.querySelector(".finder").addEventListener("keydown", e => {   // through the list, from the field and back
  const links = [$("search"), ...$("found").querySelectorAll("a")], at = links.indexOf(e.target), by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (by && at >= 0 && !$("found").hidden) { e.preventDefault(); links[Math.max(0, Math.min(links.length - 1, at + by))].focus(); }
});
