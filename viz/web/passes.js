// Several backward passes over one graph: the picture shows the numbers of the pass that the step is in.

const passOf = () => steps.length ? steps[state.step].pass : 0;
const stepsIn = doc.passes.map(() => new Map());   // by pass: the step of a node
steps.forEach((s, k) => { if (!stepsIn[s.pass].has(s.node)) stepsIn[s.pass].set(s.node, k); });
function stepOf(id) {   // of a node, in this pass if it is met in it
  const here = stepsIn.length ? stepsIn[passOf()].get(id) : undefined;
  return here !== undefined ? here : firstStep.get(id);
}
