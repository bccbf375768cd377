// The page's own script: it shows one step of the backward pass at a time. Everything it knows is in #data.
// Its parts stand in this folder; page.py puts each in the place of its name.
"use strict";
(() => {
//{plain}
const written = document.getElementById("data").textContent, data = plain(written);
const doc = data.document, nodes = doc.nodes, tensors = doc.tensors || [];
const $ = id => document.getElementById(id);
const root = document.documentElement;

//{elements}
//{document}
//{passes}
//{heat}
//{keys}
//{nest}
//{layout}
//{drawing}
//{picture}
//{going}
//{play}
//{predict}
//{parameter}
//{search}
//{tabs}
//{problems}
//{step}
//{heatmaps}
//{special}
//{panes}
//{present}
//{slider}

// export, theme, start

function offer(text, type, file) {
  const a = el("a", { href: URL.createObjectURL(new Blob([text], { type })), download: file });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}
const file = doc.title.replace(/[^\w.-]+/g, "_") || "graph";
$("save-svg").onclick = () => {
  const copy = current.svg.cloneNode(true);
  copy.removeAttribute("style");
  copy.querySelectorAll("[tabindex]").forEach(e => ["tabindex", "role", "aria-label"].forEach(a => e.removeAttribute(a)));
  offer(new XMLSerializer().serializeToString(copy), "image/svg+xml", `${file}.svg`);
};
$("save-json").onclick = () => offer(JSON.stringify(JSON.parse(written).document) + "\n", "application/json", `${file}.json`);
const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const themeName = () => { $("theme").textContent = dark() ? "Light" : "Dark"; $("theme").setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`); };
$("theme").onclick = () => { root.dataset.theme = dark() ? "light" : "dark"; themeName(); render(true); };
$("steps").addEventListener("click", e => {
  const a = e.target.closest("a");
  if (a) { e.preventDefault(); const q = new URLSearchParams(a.hash.slice(1)); if (q.has("step")) go(Number(q.get("step")) - 1); else goNode(q.get("node")); }
});
themeName();
openTab(opening);
fromHash();
root.dataset.ready = Math.round(performance.now());   // milliseconds since the page was asked for
mark();   // the picture is shown from here on, and can be scrolled
//{live}
})();
