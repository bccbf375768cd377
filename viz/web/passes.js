// Several backward passes over one graph: arrows and boxes show the numbers of the pass that the step is in.

const passOf = () => steps.length ? steps[state.step].pass : 0;
function stepOf(id) {   // of a node, in this pass if it is met in it
  const pass = passOf(), k = steps.findIndex(s => s.pass === pass && s.node === id);
  return k >= 0 ? k : firstStep.get(id);
}
function showPass(pass) {
  if (doc.passes.length < 2 || current.pass === pass) return;
  current.pass = pass;
  const v = views[state.view];
  v.texts.forEach((texts, g) => {
    const e = current.svg.querySelector(`#g${g}`), now = texts[pass];
    e.classList.toggle("other-pass", now === undefined);
    e.querySelectorAll("text").forEach((t, i) => { t.textContent = i === 0 && now || ""; });
  });
  v.orders.forEach((orders, b) => {
    const t = current.boxes[b].querySelector("text"), bare = t.textContent.replace(/^\d+◂ /, "");
    t.textContent = orders[pass] ? `${orders[pass]}◂ ${bare}` : bare;
  });
}
