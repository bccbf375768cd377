// Search.

let hits = [];
$("search").addEventListener("input", () => {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = words.length ? nodes.filter(n => { const t = `${n.id} ${n.op} ${n.kind} ${n.parameters.join(" ")}`.toLowerCase(); return words.every(w => t.includes(w)); }) : [];
  const named = n => words.every(w => n.id.toLowerCase().includes(w)) ? n.id.length : 1e6;
  hits.sort((a, b) => named(a) - named(b));
  $("found").hidden = !words.length;
  $("found").replaceChildren(...hits.slice(0, 40).map(n => el("li", {}, el("a", { href: `#node=${encodeURIComponent(n.id)}`, on: { click: pick } }, n.id))),
    el("li", { class: "quiet" }, hits.length > 40 ? `and ${hits.length - 40} more` : hits.length ? plural(hits.length, "node") : "nothing found"));
});
function pick(e) { e.preventDefault(); goNode(new URLSearchParams(e.currentTarget.hash.slice(1)).get("node")); closeSearch(); }
function closeSearch() { $("found").hidden = true; $("search").value = ""; $("step-title").focus(); }
$("search").addEventListener("keydown", e => {
  if (e.key === "Enter" && hits.length) { goNode(hits[0].id); closeSearch(); }
  else if (e.key === "Escape") closeSearch();
});
