// A slider: an element of a leaf gets another number, and all that the page shows is what the engine answers, asked of the
// server that is there (live.js), or recorded before in a sweep.

const live = data.live, sweep = doc.sweep;
const pinned = { bar: null, node: null };   // node, index, value, and between which numbers it slides

function renumber(next, lists) {   // the same graph with other numbers
  const into = (old, now) => { Object.keys(old).forEach(k => delete old[k]); Object.assign(old, now); };
  nodes.forEach((n, i) => into(n, next.nodes[i]));
  if (next.tensors) tensors.splice(0, tensors.length, ...next.tensors);
  Object.assign(doc, next, { nodes, tensors, sweep });
  renewals.forEach(f => f());
  $("steps").innerHTML = lists.steps;   // these are made by page.py, every name escaped
  $("problem-list").innerHTML = lists.problems;
  $("alarms").innerHTML = lists.alarm;
  redraw();
  const panes = ["step", state.tab].map(id => [$(id), $(id).scrollTop]);
  render(true);
  for (const [pane, y] of panes) pane.scrollTop = y;   // what is read stays where it is
}
const spelledAt = at => `${at.node}${at.index.length ? `[${at.index.join(", ")}]` : ""}`;
function showSlider(at, low, high, step, value, input, ...more) {
  const range = el("input", { type: "range", id: "pinned-range", min: low, max: high, step, value, "aria-label": spelledAt(at), on: { input: () => input(Number(range.value)) } });
  const shown = el("output", { for: "pinned-range", class: "num" });
  const title = el("a", { href: `#node=${encodeURIComponent(at.node)}`, on: { click: e => { e.preventDefault(); goNode(at.node); } } }, spelledAt(at));
  const bar = el("section", { id: "pinned", class: "script-only", "aria-label": "Slider" }, title, shown, range, ...more);
  if (pinned.bar) pinned.bar.replaceWith(bar); else document.querySelector("footer").prepend(bar);
  Object.assign(pinned, { node: at.node, index: at.index, bar, range, shown });
}
function showNumber(value) {
  pinned.value = value;
  pinned.shown.textContent = `= ${num(value)}`;
  pinned.range.setAttribute("aria-valuetext", num(value));
}

// recorded before

if (sweep) {
  const values = sweep.values.map(Number), base = JSON.stringify({ ...doc, sweep: null, tensors: null });   // no frame changes these
  showSlider(sweep, 0, values.length - 1, 1, sweep.at, k => {
    const next = JSON.parse(base);
    for (const [path, value] of sweep.frames[k]) path.slice(0, -1).reduce((d, key) => d[key], next)[path.at(-1)] = value;
    renumber(next, data.lists[k]);
    showNumber(values[k]);
  }, el("small", {}, `${plural(values.length, "value")}, recorded`));
  showNumber(values[sweep.at]);
}

// asked of the server

const named = id => JSON.parse(written).live.leaves[live.leaves.indexOf(id)];   // as it is written, not as it is shown
const post = (name, what) => fetch(name, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(what.node ? { ...what, node: named(what.node) } : what) });
const pinTrouble = text => { if (pinned.bar) pinned.bar.querySelector("[role=status]").textContent = text || ""; };
let wantedPin, pinning = false;
async function pin(what) {   // one question at a time; after it, the newest of those that came meanwhile
  wantedPin = what;
  while (wantedPin && !pinning) {
    const asked = wantedPin;
    wantedPin = null;
    pinning = true;
    try {
      const answer = plain(await (await post("pin", asked)).text());
      if (answer.document) renumber(answer.document, answer.lists);
      pinTrouble(answer.error || (answer.trouble && answer.trouble.text));
    } catch { /* the server is gone, which live.js says */ }
    pinning = false;
  }
}
function pinElement({ node, index, value, low, high }) {
  const change = v => {
    if (!Number.isFinite(v)) return;
    pinned.range.min = pinned.low = Math.min(pinned.low, v);
    pinned.range.max = pinned.high = Math.max(pinned.high, v);
    pinned.range.value = exact.value = v;
    showNumber(v);
    pin({ node, index, value: v });
  };
  const exact = el("input", { type: "number", step: "any", value, "aria-label": `${spelledAt({ node, index })}, exactly`, on: { change: () => change(exact.valueAsNumber) } });
  const release = () => { pinned.bar.remove(); pinned.bar = pinned.node = null; pin({}); };
  showSlider({ node, index }, low, high, (high - low) / 200, value, change, exact, el("button", { type: "button", on: { click: release } }, "Let go"), el("span", { class: "wrong", role: "status" }));
  Object.assign(pinned, { low, high });
  showNumber(value);
}
const canPin = n => Boolean(live) && live.leaves.includes(n.id);
function pinPane(n) {   // in the pane of a leaf: which element
  const { values } = tensors[n.value], { index } = grid(tensors[n.value]);
  const choice = el("select", { "aria-label": `element of ${n.id}` }, ...values.map((v, f) => el("option", { value: f }, `[${index(f).join(", ")}] = ${num(v)}`)));
  const begin = () => {
    const f = Number(choice.value), value = Number(values[f]), span = Math.max(1, 2 * Math.abs(value));
    pinElement({ node: n.id, index: index(f), value, low: value - span, high: value + span });
    pinned.range.focus();
  };
  return el("p", { class: "pin" }, values.length > 1 ? choice : null, el("button", { type: "button", on: { click: begin } }, "Pin it, and drag"));
}
