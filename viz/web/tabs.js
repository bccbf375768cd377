// The tabs on the right.

const tabs = [...document.querySelectorAll("[role=tab]")].filter(t => t.id !== "tab-changes" || data.compared);
if (!data.compared) { $("tab-changes").hidden = true; $("changes").hidden = true; }
function openTab(t) {
  state.tab = t;
  for (const tab of tabs) {
    const on = tab.id === `tab-${t}`;
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !on;
  }
}
tabs.forEach((tab, i) => {
  tab.onclick = () => { openTab(tab.id.slice(4)); render(true); };
  tab.addEventListener("keydown", e => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (by) { const t = tabs[(i + by + tabs.length) % tabs.length]; t.focus(); t.click(); }
  });
});
