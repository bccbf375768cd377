// One step: what arrives, the rule, what flows on, and why.

const PANES = { problems: () => {}, tensors: () => tensorPane(), list: () => {}, script: () => scriptPane(), cost: () => costPane(), changes: () => changesPane() };
let listed = null;
function render(quiet) {
  const id = selected(), n = nodes[place.get(id)];
  const step = state.node === null && steps.length ? steps[state.step] : null;
  if (!n) return;
  const before = state.forward !== null && film[state.forward].number, at = frame();
  $("step-title").textContent = step ? `Step ${state.step + 1} of ${steps.length}: ${name(n)}` : before ? `Forward ${before} of ${forwards}: ${name(n)}` : name(n);
  $("slider").value = at + 1;
  $("counter").textContent = before ? `forward ${before} of ${forwards}` : steps.length ? `step ${state.step + 1} of ${steps.length}` : "no backward pass";
  $("slider").setAttribute("aria-valuetext", $("counter").textContent);
  for (const b of ["first", "back"]) $(b).disabled = at <= 0;
  for (const b of ["next", "last"]) $(b).disabled = at >= film.length - 1;
  $("slider").disabled = film.length < 2;
  $("said").hidden = true;
  if (listed) listed.removeAttribute("aria-current");
  listed = $("steps").children[steps.length ? state.step : place.get(id)];
  if (listed && (step || (!steps.length && !before))) {
    listed.setAttribute("aria-current", "step");
    if (state.tab === "list") listed.scrollIntoView({ block: "nearest" });
  }
  $("step").replaceChildren(...stepPane(n, step));
  $("step").scrollTop = 0;
  PANES[state.tab]();
  mark();
  if (!quiet) link();
  const flows = step && !asking() ? step.inputs.filter(i => i.norm !== null).map(i => `${name(nodes[place.get(i.node)])} ${num(i.norm)}`).join(", ") : "";
  if (!quiet) $("live").textContent = `${$("step-title").textContent}${n.module ? ` in ${n.module}` : ""}. ${before ? `${shapeText(n.shape)}.` : asking() ? "Predict before you see." : step ? `Gradient ${shapeText(n.shape)}, norm ${num(step.norm)}. ${flows ? `Into ${flows}.` : "The path ends here."}` : notComputed(n)}`;
}
const notComputed = n => n.needs_grad ? `Its gradient was not computed${n.reason ? `: ${n.reason}` : ""}.` : `It needs no gradient: ${n.reason || ""}.`;
const nodeLink = id => el("a", { href: `#node=${encodeURIComponent(id)}`, on: { click: e => { e.preventDefault(); goNode(id); } } }, id);

function stepPane(n, step) {
  if (state.forward !== null || n.failed) return forwardPane(n);
  if (step && asking()) return questionPane();
  const rule = doc.rules[n.op] || { words: "", inputs: {} };
  const out = headPane(n);
  if (step && n.inputs.length === 0) out.push(el("p", { class: "arrives" }, "Arrives: ", el("strong", { class: "gnorm" }, `‖g‖ = ${num(step.norm)}`), ` ${shapeText(n.shape)}. `, step.accumulates ? rule.words : step.wanted ? "The end of the path: this gradient was asked for." : "The path ends here; this gradient was not asked for."));
  else if (step) out.push(el("p", { class: "arrives" }, "Arrives: ", el("strong", { class: "gnorm" }, `‖g‖ = ${num(step.norm)}`), ` ${shapeText(n.shape)}.`), el("p", {}, rule.words));
  else if (!n.failed) out.push(el("p", { class: "arrives" }, el("strong", { class: "gnorm" }, "Gradient: not computed"), `. ${notComputed(n)}`), rule.words && n.kind === "op" ? el("p", {}, rule.words) : null);
  if (step && n.reason) out.push(el("p", { class: "why" }, el("strong", {}, "Why? "), `${n.reason}.`));   // a hook
  if (step && n.inputs.length && !step.inputs.length) out.push(el("p", { class: "why" }, "Backward stopped here: nothing further on the way was asked for."));
  n.inputs.forEach((edge, port) => out.push(inputPane(n, step, rule, edge, port)));
  if (canPin(n)) out.push(pinPane(n));
  if (isLeaf(n)) out.push(...parameterPane(n));
  if (n.saved.length) out.push(savedPane(n, step));
  if (step) out.unshift(predictedNote());
  const bad = badNote(n);
  if (bad) out.splice(step ? 2 : 1, 0, bad);
  const sources = Object.entries(rule.inputs || {}).filter(([, r]) => r.source);
  if (rule.source || sources.length) out.push(el("details", {}, el("summary", {}, "The rule in the source"),
    el("pre", {}, el("code", {}, rule.source || sources.map(([k, r]) => `${k} = ${r.source}`).join("\n")))));
  const after = users.get(n.id) || [];
  if (after.length) out.push(usersPane(after));
  return out.filter(Boolean);
}
function headPane(n) {   // what it is, where it was written, what it was told
  const out = [el("p", {}, el("code", {}, n.id), ` ${n.kind}${n.failed ? "" : ` ${shapeText(n.shape)} ${n.dtype}`}`, n.module ? ` in ${n.module}` : "", n.call ? `, call ${n.call}` : "", n.inplace ? ", changed in place" : "", n.of ? ` (made by the rule of ${n.of})` : "")];
  if (n.failed) out.push(el("p", { class: "wrong" }, `✗ This call failed. ${n.failed}`));
  if (n.where) out.push(el("p", {}, el("a", { href: "#", class: "where", on: { click: e => { e.preventDefault(); openTab("script"); render(); } } }, `${n.where.file}:${n.where.line}`), " ", el("code", {}, n.where.text)));
  const attributes = [...n.inputs.filter(e => e.number !== undefined).map(e => [e.port, e.number]), ...Object.entries(n.attributes)].filter(([, v]) => v !== null && v !== "");
  if (attributes.length) out.push(el("p", {}, attributes.map(([k, v]) => `${k} = ${Array.isArray(v) ? shapeText(v) : v}`).join(", ")));
  return out;
}
function forwardPane(n) {   // a frame of the film before backward: what is computed, of what, and what is kept for the way back
  const out = headPane(n), rule = doc.rules[n.op], t = tensors[n.value];
  if (rule && rule.forward) out.push(el("p", {}, el("code", {}, rule.forward)));
  const from = n.inputs.filter(e => e.from !== null);
  if (from.length || !n.failed) out.push(el("div", { class: "rule" }, el("h3", {}, "takes"), el("ul", {}, ...from.map(e => el("li", {}, `${e.port}: `, nodeLink(e.from), ` ${shapeText(e.shape)}`))),
    n.failed ? null : el("p", {}, "gives ", el("strong", {}, shapeText(n.shape)), t && t.min !== null ? ` from ${num(t.min)} to ${num(t.max)}, mean ${num(t.mean)}` : "", t && t.nan + t.inf ? el("strong", { class: "wrong" }, ` ⚠ ${t.nan} NaN, ${t.inf} infinite`) : "")));
  if (n.saved.length) out.push(savedPane(n, null));
  if (!n.needs_grad && !n.failed) out.push(el("p", { class: "why" }, notComputed(n)));
  const after = users.get(n.id) || [];
  if (after.length) out.push(usersPane(after));
  return out;
}
const usersPane = after => el("p", {}, "Used by ", ...after.slice(0, 12).flatMap((id, i) => [i ? ", " : "", nodeLink(id)]), after.length > 12 ? ` and ${after.length - 12} more` : "");
function formulaOf(n, edge) {   // of the gradient that the node gives to one of its inputs
  const base = edge.port.replace(/\[.*/, ""), rule = ((doc.rules[n.op] || {}).inputs || {})[base];
  const math = (data.math[base] || {})[edge.formula || (rule || {}).formula];
  if (!math) return null;
  const holder = el("div", { class: "formula", tabindex: 0, role: "group", "aria-label": `formula of the gradient of ${edge.port}` });
  holder.innerHTML = math;   // made by mathml.py, every name escaped
  const shapes = { g: n.shape, out: n.shape };
  n.saved.forEach(s => { if (s.shape) shapes[s.name] = s.shape; });
  n.inputs.forEach(e => { if (e.shape) shapes[e.port] = shapes[e.port.replace(/\[.*/, "")] = e.shape; });
  holder.querySelectorAll("[data-shape]").forEach(m => {
    if (shapes[m.dataset.shape]) m.textContent = shapeText(shapes[m.dataset.shape]); else m.parentNode.replaceWith(m.parentNode.firstChild);
  });
  const math_ = holder.querySelector("math mtr:last-child mtd") || holder.querySelector("math > mrow");
  const arrow = document.createElementNS(math_.namespaceURI, "mo"), size = document.createElementNS(math_.namespaceURI, "mtext");
  arrow.textContent = "→"; size.textContent = shapeText(edge.shape);
  math_.append(arrow, size);
  return holder;
}
function inputPane(n, step, rule, edge, port) {
  const one = step && step.inputs.find(i => i.port === port);
  if (edge.from === null) return edge.number !== undefined ? null : el("p", { class: "why quiet" }, `${edge.port}: ${edge.reason || "not kept"}`);
  if (!edge.needs_grad) return el("p", { class: "why quiet" }, `${edge.port}, `, nodeLink(edge.from), ` ${shapeText(edge.shape)}: no gradient, ${edge.reason}`);
  const box = el("div", { class: "rule" }, el("h3", { class: "into" }, "into ", edge.port, ", ", nodeLink(edge.from)));
  const math = formulaOf(n, edge);
  if (math) box.append(math);
  if (!one) { if (step) box.append(el("p", { class: "quiet" }, "not computed")); return box; }
  if (one.norm !== null) box.append(el("p", {}, "gives ", el("span", { class: "flow-norm" }, `‖g‖ = ${num(one.norm)}`)));
  if (one.use && one.use[1] > 1) box.append(el("p", {}, el("span", { class: "uses" }, `${one.use[0]} of ${one.use[1]} uses`), one.use[0] === 1 ? ": the first to arrive; the others are added to it" : `: added to what is there, ‖sum‖ = ${num(one.sum_norm)}`));
  if (edge.reason) box.append(el("p", { class: "why" }, `${edge.reason}.`));   // a Function, or a module's hook
  if (one.why) box.append(el("p", { class: "why" }, el("strong", {}, "Why zero? "), one.why.text, " ", nodeLink(one.why.node)));
  if (one.worked) box.append(...workedPane(edge, one.worked));
  return box;
}
const VERDICTS = { agrees: ["good", "✓ agrees"], differs: ["wrong", "✗ differs"] };
function workedPane(edge, w) {
  const at = i => i.length ? `[${i.join(", ")}]` : "";
  const left = `∂L/∂${edge.port}${at(w.index)} = `;
  const [kind, verdict] = VERDICTS[w.check] || ["quiet", w.check];
  if (!w.terms) return [el("p", {}, el("span", { class: "num worked" }, left + num(w.analytic))), el("p", { class: "check" }, el("span", { class: kind }, verdict))];
  const text = w.terms.map((t, i) => `${i ? signed(t.g) : num(t.g)} · ${signed(t.slope)}`).join(" + ");
  const rest = w.count > w.terms.length ? ` + … (${w.count} terms)` : "";
  const sides = w.between ? ` (a kink: its pieces give ${num(w.between[0])} to ${num(w.between[1])})` : "";
  return [el("p", {}, el("small", {}, `One element, Σ g${at(w.terms.length ? w.terms[0].at.map(() => "·") : [])} · slope:`), el("br"),
    el("span", { class: "num worked" }, `${left}${text || "0"}${rest} = ${num(w.analytic)}`)),
  el("p", { class: "check" }, `Check by finite differences: ${num(w.numeric)}${sides}, `, el("span", { class: kind }, verdict))];
}
function savedPane(n, step) {
  const list = n.saved.filter(s => s.shape).map(s => `${s.name} ${shapeText(s.shape)}, ${bytes(s.bytes)}`);
  const rest = n.saved.filter(s => !s.shape).map(s => s.name).join(", ");
  if (rest) list.push(list.length ? `and ${rest}` : `no array, only ${rest}`);
  const fate = !step ? "" : step.freed ? "Used here, then freed." : "Used here, and kept (retain_graph).";
  return el("div", {}, el("h3", {}, "Saved for backward"), el("ul", {}, ...list.map(t => el("li", {}, t))), fate ? el("p", {}, fate) : null);
}
function badNote(n) {
  if (doc.bad.forward === n.id) return el("p", { class: "wrong" }, "⚠ The first NaN or infinity of the forward pass is made here.");
  const k = state.step, offset = doc.passes.slice(0, (steps[k] || {}).pass || 0).reduce((s, p) => s + p.steps.length, 0);
  const bad = steps.length && state.node === null && doc.bad.backward[steps[k].pass];
  return bad && bad.step === k - offset ? el("p", { class: "wrong" }, `⚠ The first NaN or infinity of this backward pass is ${bad.port === null ? "what arrives here" : "made here"}.`) : null;
}
