// Predict before you see: one element of a step is asked for first, and what the step shows stays hidden until then.

const predictions = new Map();   // frame -> {right, text}
let predicting = false;
function question() {   // the element that this step asks for
  if (!predicting || state.node !== null || !steps.length) return null;
  const step = steps[state.step], n = nodes[place.get(step.node)];
  const known = step.inputs.filter(i => i.worked && Number.isFinite(i.worked.analytic));
  if (!known.length) return null;
  const one = known[state.step % known.length], w = one.worked, port = n.inputs[one.port].port, at = i => i.length ? `[${i.join(", ")}]` : "";
  const x = `${port}${at(w.index)}`, term = w.terms && w.terms.reduce((a, b) => a && Math.abs(a.g * a.slope) >= Math.abs(b.g * b.slope) ? a : b, null);
  if (!w.terms) return { n, step, x, what: `∂L/∂${x}`, words: "the gradient of the loss", answer: w.analytic };
  if (!term) return { n, step, x, what: `∂out/∂${x}`, words: "the local gradient, the same for every element of the result", answer: 0 };
  return { n, step, x, term, what: `∂out${at(term.at)}/∂${x}`, words: "the local gradient", answer: term.slope };
}
const asking = () => question() !== null && !predictions.has(state.step);
const SIGNS = [["−", "negative", -1], ["0", "zero", 0], ["+", "positive", 1]];
const signName = x => SIGNS[Math.sign(x) + 1][1];

function questionPane() {
  const q = question(), n = q.n;
  const held = n.inputs.flatMap(e => {
    const source = e.from !== null && nodes[place.get(e.from)], t = source && tensors[source.value];
    return t && t.values && t.values.length <= 16 ? [el("li", {}, el("code", {}, e.port), ` ${shapeText(t.shape)}: ${t.values.map(num).join(", ")}`)] : e.number !== undefined ? [el("li", {}, el("code", {}, e.port), ` = ${num(e.number)}`)] : [];
  });
  const guess = el("input", { id: "guess", type: "text", inputmode: "decimal", size: 8, "aria-label": `the value of ${q.what}` });
  return [el("form", { class: "question", on: { submit: e => { e.preventDefault(); const v = Number(guess.value.trim().replace("−", "-").replace(",", ".") || NaN); if (Number.isFinite(v)) answer(v, true); else guess.focus(); } } },
    el("h3", {}, "Predict before you see"),
    el("p", {}, "This step: ", el("code", {}, n.id), `, with the result ${shapeText(n.shape)}.`, n.where ? el("span", {}, " ", el("code", {}, n.where.text)) : null),
    held.length ? el("ul", {}, ...held) : null,
    held.length < n.inputs.length ? el("p", { class: "quiet" }, `The values of its ${held.length ? "other " : ""}inputs are under Tensors.`) : null,
    q.term ? el("p", {}, `At this element ${num(q.term.g)} arrives.`) : null,
    el("p", {}, "What is ", el("strong", { class: "num" }, q.what), `, ${q.words}?`),
    el("p", { class: "signs" }, ...SIGNS.map(([sign, word, s]) => el("button", { type: "button", "aria-keyshortcuts": sign === "−" ? "-" : sign, on: { click: () => answer(s) } }, `${sign} ${word}`))),
    el("p", {}, el("label", { for: "guess" }, "or its value "), guess, " ", el("button", { type: "submit" }, "Check"), " ", el("button", { type: "button", on: { click: () => answer(null) } }, "Show")))];
}
function answer(given, value) {
  const q = question(), is = `${q.what} is ${num(q.answer)}, ${signName(q.answer)}`;
  const right = given === null ? null : value ? Math.abs(given - q.answer) <= 0.02 * Math.abs(q.answer) + 1e-6 : Math.sign(given) === Math.sign(q.answer);
  predictions.set(state.step, { right, text: right === null ? `${is}.` : right ? `✓ Right: ${is}.` : `✗ ${is}; you said ${value ? num(given) : signName(given)}.` });
  render();
  $("live").textContent = `${predictions.get(state.step).text} ${score()}`;
}
function score() {
  const given = [...predictions.values()].filter(p => p.right !== null);
  return given.length ? `${given.filter(p => p.right).length} of ${given.length} right.` : "";
}
function predictedNote() {
  const p = predicting && state.node === null && predictions.get(state.step);
  return p ? el("p", { class: `predicted ${p.right === false ? "wrong" : "good"}` }, p.text, " ", el("small", {}, score())) : null;
}
function setPredicting(on) {
  predicting = on;
  $("predict").setAttribute("aria-pressed", on);
  if (!on) predictions.clear();
  render();
  say(on ? asking() ? "" : "Each step of backward that has something to ask now asks first." : "");
}
$("predict").onclick = () => setPredicting(!predicting);
onKey(["p"], "predict before you see: each step asks first", () => setPredicting(!predicting));
onKey(["-", "0", "+", "="], "while a step asks: negative, zero, positive", e => asking() ? answer({ "-": -1, 0: 0 }[e.key] ?? 1) : false);
