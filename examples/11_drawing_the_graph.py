"""11. What happens in each step of backward, and where can one watch it?

`viz.record` takes notes while a network runs: what was called, and, for each step of backward, which gradient
arrived and what flowed on. From these notes come a text, a picture (SVG), and a page (HTML, one file, no
server) that steps through backward with the rule, the shapes and the numbers of each node.

    python examples/11_drawing_the_graph.py                 the text
    python examples/11_drawing_the_graph.py --out DIR       also DIR/graph.svg and DIR/steps.html
"""

import argparse
from pathlib import Path

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import viz

parser = argparse.ArgumentParser(description="Watch the backward pass of a small network.")
parser.add_argument("--out", type=Path, metavar="DIR", help="write graph.svg and steps.html into this folder")
out = parser.parse_args().out

tg.manual_seed(0)
image = tg.rand(1, 1, 6, 6)
filters = tg.randn(2, 1, 3, 3, requires_grad=True)
weights = tg.randn(2, 3, requires_grad=True)
label = tg.tensor([1])

with viz.record(names={"image": image, "filters": filters, "weights": weights, "label": label}) as notes:
    maps = F.conv2d(image, filters)  # (1, 1, 6, 6) (2, 1, 3, 3) -> (1, 2, 4, 4)
    maps = maps + F.relu(maps)  # used twice, so two gradients come back to it
    greatest = F.max_pool2d(maps, 4).flatten(1)  # -> (1, 2)
    loss = F.cross_entropy(greatest @ weights, label)  # -> one number
    loss.backward()

print(viz.text(notes))

if out is not None:
    out.mkdir(parents=True, exist_ok=True)
    try:
        viz.svg(notes, out / "graph.svg")
        viz.html(notes, out / "steps.html")
        print(f"\nwritten: {out / 'graph.svg'}, {out / 'steps.html'}")
    except RuntimeError as error:  # no program here that can lay a graph out; the text needs none
        print(f"\nno pictures: {error}")

steps = notes.document["passes"][0]["steps"]
print(f"\nBackward took {len(steps)} steps, and the gradient of the filters has norm {filters.grad.norm().item():.4f}.")
print("Notice that the steps are the list of nodes from the last to the first, that two gradients were added up at the")
print("convolution's result before it went on, and that nothing was computed for the image, which needs no gradient.")
