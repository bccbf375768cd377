"""01. What does a Tensor remember of the arithmetic that made it?

A Tensor is a number, or many, with a history. Every operation that makes a Tensor also makes a node, which
knows what operation it was and from which nodes its operands came. The nodes are the graph: no derivative
is computed yet, but all that is needed to compute one is now written down.
"""

import tinygrad_cnn as tg

x = tg.tensor(2.0, requires_grad=True)
w = tg.tensor(-3.0, requires_grad=True)
b = tg.tensor(10.0, requires_grad=True)
f = (x * w + b) * x

print(f"f = (x·w + b)·x = {f.item()}   at x = {x.item()}, w = {w.item()}, b = {b.item()}\n")

names = {"x": x, "w": w, "b": b}


def label(node):
    """An input by its name and value, anything else by its operation."""
    for name, tensor in names.items():
        if getattr(node, "variable", None) is tensor:
            return f"{name} = {tensor.item()}"
    return node.name()


def draw(node, first="", rest=""):
    """The node, and below it what its operands were."""
    print(first + label(node))
    parents = [parent for parent, _ in node.next_functions]
    for i, parent in enumerate(parents):
        last = i == len(parents) - 1
        draw(parent, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))


draw(f.grad_fn)

nodes, edges, waiting = set(), 0, [f.grad_fn]
while waiting:
    node = waiting.pop()
    if node not in nodes:
        nodes.add(node)
        edges += len(node.next_functions)
        waiting += [parent for parent, _ in node.next_functions]

print(f"\n{len(nodes)} nodes, {edges} edges.")
print("Notice that x is drawn twice but is one node with two edges: x moves f in two ways, and lesson 02 adds them up.")
