"""Pictures of the graph, and a page that steps through the backward pass. Everything draws from one document.

And pictures of training: what a network is made of, where it looks, how it learned. Arrays first, pictures second.
"""

from . import draw, plot
from .attribution import grad_cam, saliency, sanity
from .charts import bars, heat_map, image_grid, line_chart
from .confusion import Confusion, confusion_matrix
from .curves import History
from .diff import compare, diff
from .dot import dot
from .features import activation_histograms, dead_units, feature_maps, filters, gradient_norms, grid
from .landscape import landscape
from .notebook import Graph, Page, show
from .page import html
from .paper import paper
from .pixels import overlay
from .problems import problems
from .program import program
from .recorder import record
from .report import report
from .snapshot import load, save, snapshot, to_json
from .summary import summary
from .svg import svg
from .sweep import sweep
from .text import text

__all__ = [
    "Confusion",
    "Graph",
    "History",
    "Page",
    "activation_histograms",
    "bars",
    "compare",
    "confusion_matrix",
    "dead_units",
    "diff",
    "dot",
    "draw",
    "feature_maps",
    "filters",
    "grad_cam",
    "gradient_norms",
    "grid",
    "heat_map",
    "html",
    "image_grid",
    "landscape",
    "line_chart",
    "load",
    "overlay",
    "paper",
    "plot",
    "problems",
    "program",
    "record",
    "report",
    "saliency",
    "sanity",
    "save",
    "show",
    "snapshot",
    "summary",
    "svg",
    "sweep",
    "text",
    "to_json",
]
