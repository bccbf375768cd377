"""03. Why must backward walk in topological order, and what goes wrong otherwise?

    a = 2x    b = 3a    f = a + b          so f = 8x, and df/dx = 8

a is used twice: by f, and by b. Walking back from f one meets a before b has said what it owes to a. If a
passes its gradient on at that moment, it passes on too little. In topological order a number comes only
after everything that used it.
"""

import tinygrad_cnn as tg

# result: its operands and its slope in each of them
GRAPH = {"f": {"a": 1, "b": 1}, "b": {"a": 3}, "a": {"x": 2}, "x": {}}


def walk(order):
    """Visit the numbers in this order; each passes on what it has received so far."""
    grad = dict.fromkeys(GRAPH, 0)
    grad["f"] = 1
    for number in order:
        for parent, slope in GRAPH[number].items():
            grad[parent] += slope * grad[number]
    return grad["x"]


def discovery(once):
    """Breadth first from f: operands in the order in which they are met, once or as often as they are met."""
    order = ["f"]
    for number in order:
        order += [parent for parent in GRAPH[number] if not (once and parent in order)]
    return order


def topological():
    """A number is placed after its operands; backwards, it comes after all that used it."""
    order = []

    def visit(number):
        if number not in order:
            for parent in GRAPH[number]:
                visit(parent)
            order.append(number)

    visit("f")
    return order[::-1]


def by_paths(number="f"):
    """Every path from f to x by itself, slopes multiplied along the path: right, and hopeless (see below)."""
    return 1 if number == "x" else sum(slope * by_paths(parent) for parent, slope in GRAPH[number].items())


x = tg.tensor(1.0, requires_grad=True)
a = 2 * x
(a + 3 * a).backward()

once, again, right = discovery(once=True), discovery(once=False), topological()
print("f = a + b, b = 3a, a = 2x: df/dx is 8\n")
print(f"discovery, each once    {' '.join(once):12} df/dx = {walk(once):2}   wrong: a passed on 1 before b brought 3")
print(f"discovery, every time   {' '.join(again):12} df/dx = {walk(again):2}   wrong: a passed on 1, and then 1 + 3")
print(f"path by path            {'':12} df/dx = {by_paths():2}   right, but see below")
print(f"topological             {' '.join(right):12} df/dx = {walk(right):2}   right")
print(f"tinygrad_cnn            {'':12} df/dx = {x.grad.item():2.0f}   right")

x = y = tg.tensor(1.0, requires_grad=True)
for _ in range(40):
    y = y + y
y.backward()

print(f"\ny = y + y, 40 times over: {2**40:,} paths, but only 41 nodes to visit; dy/dx = {x.grad.item():,.0f}")
print("Notice how the library orders without a search: nodes are numbered at birth, and a node is born after its")
print("parents, so visiting the youngest first is a topological order.")
