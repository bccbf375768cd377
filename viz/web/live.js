// Live: a server is there. The page follows its script, and keeps its place; an error of the script stands on top.

if (live) followScript();

function keepPlace() {
  const { node, index, value, low, high } = pinned, scrolls = ["graph", "step", state.tab].map(id => [id, $(id).scrollLeft, $(id).scrollTop]);
  const kept = { id: selected(), tab: state.tab, zoom: fitted ? 0 : zoomed, scrolls, focus: document.activeElement.id, theme: root.dataset.theme, pin: node && { node, index, value, low, high },
    speed, byModule, predicting, thing: presenting() ? thing : null };
  try { sessionStorage.setItem(location.pathname, JSON.stringify(kept)); } catch { /* then the next page begins where its address says */ }
}
function takePlace() {
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem(location.pathname)); } catch { /* the same */ }
  if (!kept) return;
  if (kept.theme) { root.dataset.theme = kept.theme; themeName(); }
  openTab(kept.tab);
  setSpeed(kept.speed);
  if (kept.byModule) setByModule(true);
  if (kept.predicting) setPredicting(true);
  if (place.has(kept.id) && selected() !== kept.id) goNode(kept.id);   // the same node, where steps have other numbers now
  else render(true);
  if (kept.thing !== null) { present(true); thing = kept.thing; showThing(); } else if (kept.zoom) { size(kept.zoom); fitted = false; }
  for (const [id, x, y] of kept.scrolls) $(id).scrollTo(x, y);
  if (kept.pin && live.leaves.includes(kept.pin.node)) { pinElement(kept.pin); pin({ node: kept.pin.node, index: kept.pin.index, value: kept.pin.value }); }
  if (kept.focus && $(kept.focus)) $(kept.focus).focus({ preventScroll: true });
}
async function followScript() {
  const badge = el("span", { id: "live-state", role: "status" }), trouble = el("section", { id: "trouble", class: "script-only", role: "alert", hidden: true });
  $("theme").before(badge, el("button", { type: "button", id: "save-page", on: { click: savePage } }, "Save page"), " ");
  document.querySelector("header").append(trouble);
  takePlace();
  addEventListener("pagehide", keepPlace);
  for (let version = 0; ;) {
    try {
      const now = plain(await (await fetch(`after?${version}`)).text());
      version = now.version;
      if (now.page && now.page !== live.page) return location.reload();
      badge.textContent = now.running ? "running …" : now.trouble ? "stopped" : "live";
      badge.className = now.trouble ? "stopped" : "";
      trouble.hidden = !now.trouble;
      if (now.trouble) trouble.replaceChildren(...troublePane(now.trouble));
    } catch {
      badge.textContent = "the command has ended";
      badge.className = "stopped";
      await new Promise(done => setTimeout(done, 1000));
    }
  }
}
const troublePane = ({ text, trace }) => [el("p", {}, el("strong", {}, text)), trace ? el("details", {}, el("summary", {}, "where"), el("pre", {}, trace)) : el("span", {})];
async function savePage() {   // as a file that needs no server, with a sweep of what is pinned
  const response = await post("export", pinned.node ? { node: pinned.node, index: pinned.index, from: pinned.low, to: pinned.high } : {});
  if (response.ok) offer(await response.text(), "text/html", `${file}.html`);
  else pinTrouble((await response.json()).error);
}
