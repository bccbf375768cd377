// The list of problems, which Python wrote into the page: its links go to the node, and the list stays open.

const opening = data.compared ? "changes" : (doc.problems || []).length ? "problems" : "tensors";   // the tab that a page begins with
$("problems").addEventListener("click", e => {
  const a = e.target.closest("a");
  if (!a) return;
  e.preventDefault();
  goNode(new URLSearchParams(a.hash.slice(1)).get("node"));
});
$("alarms").addEventListener("click", e => { if (!e.target.closest("a")) return; e.preventDefault(); openTab("problems"); render(true); $("problems").focus(); });
