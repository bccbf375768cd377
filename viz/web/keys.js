// Keys: one table, by which they work and from which "?" lists them.

const keyList = [], keyed = new Map();
function onKey(names, says, run) {   // run(event) returns false where the key is not meant for it now; the last one that is told of a key is asked first
  keyList.push([names, says]);
  for (const k of names) (keyed.get(k) || keyed.set(k, []).get(k)).unshift(run);
}
const SPOKEN = { " ": "Space", ArrowRight: "→", ArrowLeft: "←", ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };
addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || document.querySelector("dialog[open]")) return;
  const at = e.target.closest ? e.target : document.body;
  if (at.matches("input:not([type=range]), select, textarea") || at.matches("canvas, [role=tab]") && /^Arrow|^Home|^End/.test(e.key)) return;
  if (at.matches("input[type=range]:not(#slider)") && /^Arrow|^Home|^End/.test(e.key)) return;
  if (e.key === " " && at.matches("button, a, summary, .box")) return;   // pressed by it
  if (at.matches("[role=tabpanel]") && /Up|Down/.test(e.key)) return;   // scrolled by it
  for (const run of keyed.get(e.key) || []) if (run(e) !== false) { e.preventDefault(); return; }
});
function showKeys() {
  const list = $("key-list");
  if (!list.childElementCount) list.append(...keyList.map(([names, says]) =>
    el("div", {}, el("dt", {}, ...names.flatMap((k, i) => [i ? " " : "", el("kbd", {}, SPOKEN[k] || k)])), el("dd", {}, says))));
  $("keys").showModal();
}
$("show-keys").onclick = showKeys;
$("close-keys").onclick = () => $("keys").close();
onKey(["?"], "this list", showKeys);
