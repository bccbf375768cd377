// The document, indexed.

const place = new Map(nodes.map((n, i) => [n.id, i]));
const renewals = [], made = f => { f(); renewals.push(f); };   // what is made of numbers, which a slider changes (live.js)
const steps = [];
made(() => { steps.length = 0; doc.passes.forEach((one, pass) => one.steps.forEach(s => steps.push({ ...s, pass }))); });
const firstStep = new Map();
steps.forEach((s, k) => { if (!firstStep.has(s.node)) firstStep.set(s.node, k); });
const users = new Map();
nodes.forEach(n => n.inputs.forEach(e => { if (e.from !== null) (users.get(e.from) || users.set(e.from, []).get(e.from)).push(n.id); }));
const name = n => n.kind === "pick" ? `output ${n.output_nr}` : n.kind === "op" ? n.op : n.parameters[0] || n.kind;
const state = { step: 0, node: null, forward: null, tab: null };   // forward: a frame of the film, before backward
