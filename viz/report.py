"""A run in one file: an HTML page that needs no network and no script, the same bytes for the same run.

    viz.report(history, "report.html", model=model, images=test_x, labels=test_y)

What is not given is left out. Everything shown is a copy; the model is left as it was.

N images, C channels, H W picture, K classes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_cnn import files
from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.engine.tensor import as_array, wrap
from tinygrad_cnn.nn import Module

from . import draw
from .attribution import sanity
from .charts import DARK, STYLE, VARIABLES, brief, escape, image_grid, line_chart
from .confusion import Confusion, confusion_matrix
from .curves import History
from .features import activation_histograms, dead_units, feature_maps, filters
from .landscape import Landscape
from .pixels import data_uri, overlay, shades, signed, signed_or_colour, unit
from .probe import convolutions, require_model, tensor_for, untouched
from .summary import summary

HERE = Path(__file__).parent
MOST_COLUMNS = 24  # of the table of gradient norms
MOST_CLASSES = 40  # of a confusion matrix that is shown whole
IN_A_CELL = 12  # images that a cell of it lists
CELLS = 30
EXAMPLES = 6
POLICY = "default-src 'none';style-src 'unsafe-inline';img-src data:"  # whatever happens, it asks nobody
EMPTY = "<p>There is nothing to show: neither a history nor a model was given.</p>"
COLOUR_SCALE = '<p class="quiet">Red, green, blue: the three channels, from −{0}, dark, to {0}; 0 is grey.</p>'


def report(
    history: History | None = None,
    path: str | os.PathLike | None = None,
    *,
    model: Module | None = None,
    images: Any = None,
    labels: Any = None,
    confusion: Confusion | None = None,
    classes: Sequence[str] | None = None,
    balance: Mapping[str, Any] | None = None,
    landscape: Landscape | None = None,
    title: str = "Training run",
    facts: Mapping[str, Any] | None = None,
) -> str:
    """The page of a run; it is written to `path` if there is one.

    history: curves, learning rate and the film of gradients. model: its summary and filters; with images (N,C,H,W), as
    the model takes them: feature maps, activations, dead units, Grad-CAM; with labels (N,) also the confusion matrix,
    unless that is given. classes: names of the classes. balance: {"training": labels, ...}; how many there are of each
    class is shown. landscape: of the loss, shown as it is given. facts: what stands at the top, {name: value}.

    Raises a ValueError where images, labels and confusion do not belong together, before anything is written.

    >>> history = History()
    >>> history.epoch(loss=1.0)
    >>> report(history)[:15]
    '<!doctype html>'
    """
    if history is not None and not isinstance(history, History):
        raise TypeError(f"report: history must be a viz.History, got {type(history).__name__}")
    if model is not None:
        require_model("report", model)
    pictures = np.empty((0, 1, 1, 1)) if images is None else np.asarray(as_array(images))
    if pictures.ndim != 4:
        raise ValueError(f"report: images must be (N,C,H,W), got {pictures.shape}")
    if labels is not None and images is not None and len(labels) != len(pictures):
        raise ValueError(f"report: {len(pictures)} images, but {len(labels)} labels")
    if confusion is None and labels is not None and images is not None and model is not None:
        confusion = confusion_matrix(predict(model, pictures), labels, classes)
    if images is not None and confusion is not None and len(confusion.labels) != len(pictures):
        raise ValueError(f"report: {len(pictures)} images, but {len(confusion.labels)} in the confusion matrix")
    sections = [
        *(_curves(history) if history is not None else []),
        *(_confusion(confusion, pictures) if confusion is not None else []),
        *(_balance(balance, classes) if balance else []),
        *(_landscape(landscape) if landscape is not None else []),
        *(_inside(model, pictures) if model is not None else []),
        *(_looks(model, pictures, confusion) if model is not None else []),
        *(_summary(model, pictures) if model is not None else []),
    ]
    page = _page(title, facts or {}, sections)
    if path is not None:
        files.write(path, page)
    return page


def predict(model: Module, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """The class of each image, (N,C,H,W) -> (N,); the model runs in eval mode and is left as it was."""
    with untouched(model), no_grad():
        found = [
            model(tensor_for(model, images[i : i + batch_size])).numpy().argmax(1)
            for i in range(0, len(images), batch_size)
        ]
    return np.concatenate([*found, np.empty(0, np.int64)]).astype(np.int64)


# sections: (id, heading, HTML)


def _curves(history: History) -> list[tuple[str, str, str]]:
    sections = []
    of = "epochs" if history.epochs else "steps"
    names = history.names(of)
    kinds = {"Loss": "loss", "Accuracy": "accuracy", "Learning rate": "lr"}
    charts = []
    for heading, ending in kinds.items():
        group = [name for name in names if name.endswith(ending)]
        charts.append((heading, group))
    charts += [(name, [name]) for name in names if not name.endswith(tuple(kinds.values()))]
    drawn = [
        line_chart({name: history.values(name, of) for name in group}, heading, x_label=of[:-1], y_label=heading)
        for heading, group in charts
        if group
    ]
    if drawn:
        rows = [
            [str(i + 1), *(brief(history.values(name, of)[i], 5) for name in names)]
            for i in range(len(history._rows(of)))
        ]
        table = _table([of[:-1], *names], rows) if len(rows) <= 200 else ""
        body = f'<div class="row">{"".join(map(_figure, drawn))}</div>'
        sections.append(("curves", "Curves", body + (_details("The numbers", table) if table else "")))
    for of in ("steps", "epochs"):
        if history.gradients(of)[0]:
            sections.append(("gradients", "Gradient norms", _film(history, of)))
            break
    return sections


def _film(history: History, of: str) -> str:
    words = "log₁₀ ‖gradient‖ of each layer's parameters: dark is small, light is large; the numbers stand below."
    layers, norms = history.gradients(of)
    computed = history.computed(of)
    columns = np.unique(np.linspace(0, norms.shape[1] - 1, MOST_COLUMNS).round().astype(int))
    rows = [
        [layer, *(brief(norms[r, k], 3) if computed[r, k] else "–" for k in columns)] for r, layer in enumerate(layers)
    ]
    table = _table(["layer", *(str(k + 1) for k in columns)], rows)
    some = "" if len(columns) == norms.shape[1] else f" at {len(columns)} of {norms.shape[1]} {of}"
    return f"<p>{words}</p>{_wide(_figure(draw.gradients(history, of)))}" + _details(f"The norms{some}", table)


def _confusion(confusion: Confusion, pictures: np.ndarray) -> list[tuple[str, str, str]]:
    names, counts = confusion.classes, confusion.counts
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = sorted(map(tuple, np.argwhere(wrong)), key=lambda cell: (-wrong[cell], cell))
    listed = set(order[:CELLS]) if pictures.size else set()
    n = len(confusion.labels)
    right = int(np.trace(counts))
    body = f"<p>{right:,} of {n:,} right" + (f", accuracy {confusion.accuracy:.2%}." if n else ".") + "</p>"
    if len(names) <= MOST_CLASSES:
        body += "<p>A row for each true class, a column for each predicted one. A number leads to its images.</p>"
        body += _matrix(names, counts, wrong, listed)
    per_class = [
        [name, f"{int(c):,}", *("–" if np.isnan(x) else f"{x:.1%}" for x in numbers)]
        for name, c, *numbers in zip(
            names, counts.sum(1), confusion.precision, confusion.recall, confusion.f1, strict=True
        )
    ]
    body += _details(
        "Precision and recall of each class", _table(["class", "images", "precision", "recall", "F1"], per_class)
    )
    cells = []
    for t, p in order[: CELLS if listed else 0]:
        numbers = confusion.images(t, p)
        shown = numbers[:IN_A_CELL]
        more = f", the first {len(shown)}" if len(shown) < len(numbers) else ""
        heading = f"{names[t]}, taken for {names[p]}: {len(numbers)}{more}"
        grid = image_grid([_shown(pictures[i], pictures) for i in shown], [f"#{i}" for i in shown], heading, columns=12)
        cells.append(f'<div class="cell" id="cell-{t}-{p}" tabindex="-1"><h3>{escape(heading)}</h3>{grid}</div>')
    body += f'<div class="row">{"".join(cells)}</div>'
    left = len(order) - CELLS
    if listed and left > 0:
        body += f"<p>and {left} more cells with mistakes, each with at most {int(wrong[order[CELLS]])}.</p>"
    return [("confusion", "Confusion matrix", body)]


def _matrix(names: list[str], counts: np.ndarray, wrong: np.ndarray, listed: set) -> str:
    top = max(int(wrong.max(initial=0)), 1)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = []
    for t, name in enumerate(names):
        cells = []
        for p, other in enumerate(names):
            n = int(counts[t, p])
            text = f"{n:,}" if n else ""
            if (t, p) in listed:
                label = escape(f"{n} of class {name}, taken for {other}")
                text = f'<a href="#cell-{t}-{p}" aria-label="{label}">{n:,}</a>'
            kind = ' class="right"' if t == p else ""
            share = f' style="--share:{wrong[t, p] / top:.3f}"' if wrong[t, p] else ""
            cells.append(f"<td{kind}{share}>{text}</td>")
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>')
    table = f'<table class="confusion"><thead><tr><td></td>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'{_wide(table)}<p class="quiet">Framed: right. The stronger, the more often mistaken.</p>'


def _balance(balance: Mapping[str, Any], classes: Sequence[str] | None) -> list[tuple[str, str, str]]:
    counts, names = _counts(balance, classes)
    head, words = ["class"], []
    for part, n in counts.items():
        head += [part, "share", ""]
        most, least = names[int(n.argmax())], names[int(n.argmin())]
        text = f"{part}: {int(n.sum()):,} images of {len(names)} classes"
        if not n.min():
            text += f", of which {', '.join(x for x, k in zip(names, n, strict=True) if not k)} have none"
        elif n.max() > n.min():
            text += f", {n.max() / n.min():.1f} times as many of {most}, the most, as of {least}, the fewest"
        words.append(f"<p>{escape(text)}.</p>")
    rows = []
    for i, name in enumerate(names):
        cells = ""
        for n in counts.values():
            share = n[i] / max(int(n.sum()), 1)
            bar = f'<i class="bar" style="--share:{n[i] / max(int(n.max()), 1):.3f}"></i>'
            cells += f'<td class="num">{int(n[i]):,}</td><td class="num">{share:.1%}</td><td>{bar}</td>'
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    top = "".join(f'<th scope="col" class="num">{escape(h)}</th>' if h else "<td></td>" for h in head[1:])
    table = f'<table><thead><tr><th scope="col">class</th>{top}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return [("balance", "Class balance", "".join(words) + _wide(table))]


def _counts(balance: Mapping[str, Any], classes: Sequence[str] | None) -> tuple[dict[str, np.ndarray], list[str]]:
    """How many labels of each class each part has, (K,), and the names of the classes."""
    labels = {part: np.asarray(as_array(given), np.int64).ravel() for part, given in balance.items()}
    k = len(classes) if classes is not None else max((int(x.max()) + 1 for x in labels.values() if x.size), default=0)
    for part, x in labels.items():
        if x.size and not 0 <= x.min() <= x.max() < k:
            raise ValueError(f"report: labels of {part} in balance are {x.min()} to {x.max()}, of {k} classes")
    names = [str(i) for i in range(k)] if classes is None else [str(name) for name in classes]
    return {part: np.bincount(x, minlength=k) for part, x in labels.items()}, names


def _inside(model: Module, pictures: np.ndarray) -> list[tuple[str, str, str]]:
    try:
        path, _ = convolutions("report", model)[0]
    except ValueError:
        path = ""
    sections = []
    if path:
        found = filters(model, path)
        scale = brief(found.scale, 3)
        big = np.repeat(np.repeat(signed_or_colour(found.picture), 10, 0), 10, 1)
        O, C, h, w = found.weight.shape
        alt = f"{O} filters of {C} × {h} × {w} of layer {path}"
        body = (
            f"<p>The first convolution: {escape(alt)}, all on one scale.</p>"
            f'<img alt="{escape(alt)}" src="{data_uri(big)}"/>'
            + (_sign_scale(scale) if found.grid.ndim == 2 else COLOUR_SCALE.format(scale))
        )
        sections.append(("filters", "Filters", body))
    if not len(pictures):
        return sections
    if path:
        maps = feature_maps(model, wrap(pictures[:64]), path)
        planes = maps.maps[0][:32]
        top = float(np.abs(planes[np.isfinite(planes)]).max(initial=0))
        dead = maps.dead[: len(planes)]
        captions = [f"{i} dead" if d else str(i) for i, d in enumerate(dead)]
        grid = image_grid([signed(p, top) for p in planes], captions, f"Feature maps of {path}", marked=list(dead))
        words = (
            f"What layer <b>{escape(path)}</b> makes of image #0. {int(maps.dead.sum())} of its {len(maps.dead)} "
            f"channels are dead: nowhere positive on {len(pictures[:64])} images."
        )
        image = f"<figure>{_img(_shown(pictures[0], pictures), 'image #0')}<figcaption>image #0</figcaption></figure>"
        body = f'<p>{words}</p><div class="row">{image}{_figure(grid)}</div>{_sign_scale(brief(top, 3))}'
        sections.append(("maps", "Feature maps", body))
    sections.append(("activations", "Activations", _activations(model, pictures[:64])))
    return sections


def _activations(model: Module, pictures: np.ndarray) -> str:
    """How often which numbers come out of each layer, and how many units are dead."""
    histograms = activation_histograms(model, wrap(pictures))
    drawn = [draw.one_histogram(layer or type(model).__name__, h) for layer, h in list(histograms.items())[:24]]
    more = f"<p>and {len(histograms) - 24} more layers.</p>" if len(histograms) > 24 else ""
    body = f"<p>What each layer returns for {len(pictures)} images.</p>"
    body += f'<div class="row">{"".join(map(_figure, drawn))}</div>{more}'
    dead = dead_units(model, wrap(pictures))
    if dead:
        words = "Units of each ReLU that let no gradient through, whichever of these images goes in."
        body += f"<h3>Dead units</h3><p>{words}</p>{_wide(_figure(draw.dead_units(dead)))}"
    return body


def _landscape(found: Landscape) -> list[tuple[str, str, str]]:
    words = "The loss over a plane in the space of the parameters; each line joins what is equal."
    return [("landscape", "Loss landscape", f"<p>{words}</p>{_wide(_figure(draw.landscape(found)))}")]


def _looks(model: Module, pictures: np.ndarray, confusion: Confusion | None) -> list[tuple[str, str, str]]:
    """Grad-CAM of some mistakes and some right ones, beside that of shuffled weights."""
    if not len(pictures) or pictures.shape[1] not in (1, 3):
        return []
    if confusion is None:
        chosen = np.arange(min(EXAMPLES, len(pictures)))
        said = predict(model, pictures[chosen])
        captions = [f"#{i}: class {p}" for i, p in zip(chosen, said, strict=True)]
    else:
        wrong = np.flatnonzero(confusion.labels != confusion.predictions)[: EXAMPLES // 2]
        right = np.flatnonzero(confusion.labels == confusion.predictions)[: EXAMPLES - len(wrong)]
        chosen = np.concatenate([wrong, right])
        said = confusion.predictions[chosen]
        names = confusion.classes
        captions = [
            f"#{i}: {names[t]}, taken for {names[p]}" if t != p else f"#{i}: {names[t]}, right"
            for i, t, p in zip(chosen, confusion.labels[chosen], said, strict=True)
        ]
    if not len(chosen):
        return []
    try:
        found = sanity(model, wrap(pictures[chosen]), said)
    except ValueError:  # no convolution, or logits of another shape
        return []
    shown = []
    for i, caption, trained, other, alike in zip(
        chosen, captions, found.trained, found.shuffled, found.similarity, strict=True
    ):
        image = unit(_limits(pictures[i], pictures))
        views = [(_shown(pictures[i], pictures), "image")]
        views += [
            (shades(overlay(image, heat)), name) for heat, name in ((trained, "Grad-CAM"), (other, "shuffled weights"))
        ]
        grid = image_grid(
            [v for v, _ in views], [name for _, name in views], f"{caption}: Grad-CAM", columns=3, side=112
        )
        like = "one map is constant" if np.isnan(alike) else f"correlation of the two maps {alike:.2f}"
        shown.append(f"<figure>{grid}<figcaption>{escape(caption)}; {like}</figcaption></figure>")
    words = (
        "Where the last convolution speaks for the predicted class: ½ image + ½ heat. On the right the same of the "
        "same network with shuffled weights, which has learned nothing: the more alike, the less the view says."
    )
    scale = f'<img alt="the scale of the heat, dark to light" src="{draw.HEAT_BAR}" width="144" height="13"/>'
    bar = f'<p class="scale">0 {scale} the maximum of the map</p>'
    return [("looks", "Where it looks", f'<p>{words}</p><div class="row">{"".join(shown)}</div>{bar}')]


def _summary(model: Module, pictures: np.ndarray) -> list[tuple[str, str, str]]:
    if not len(pictures):
        return []
    return [("summary", "Summary", _wide(summary(model, wrap(pictures[:1]))._repr_html_()))]


# pieces


def _page(title: str, facts: Mapping[str, Any], sections: list[tuple[str, str, str]]) -> str:
    style = (HERE / "web" / "report.css").read_text(encoding="utf-8")
    style = style.replace("/*variables*/", VARIABLES).replace("/*dark*/", DARK) + STYLE
    items = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    links = "".join(f'<li><a href="#{key}">{escape(heading)}</a></li>' for key, heading, _ in sections)
    body = "".join(
        f'<section aria-labelledby="{key}"><h2 id="{key}" tabindex="-1">{escape(heading)}</h2>{content}</section>'
        for key, heading, content in sections
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>\n{style}</style></head><body><header><h1>{escape(title)}</h1>"
        + (f'<dl class="facts">{items}</dl>' if items else "")
        + (f'<nav aria-label="Contents"><ul>{links}</ul></nav>' if links else "")
        + f"</header><main>{body or EMPTY}</main></body></html>\n"
    )


def _shown(image: np.ndarray, all_images: np.ndarray) -> np.ndarray:
    """An image as bytes, (H,W) or (H,W,3), by the least and the largest value of all images."""
    a = _limits(image, all_images)
    if a.shape[0] == 3:
        return shades(a.transpose(1, 2, 0))
    return shades(a[0])


def _limits(image: np.ndarray, all_images: np.ndarray) -> np.ndarray:
    low, high = float(all_images.min()), float(all_images.max())
    return (image.astype(np.float64) - low) / (high - low if high > low else 1)


def _img(image: np.ndarray, alt: str, side: int = 112) -> str:
    h, w = image.shape[:2]
    zoom = side / max(h, w)
    return f'<img alt="{escape(alt)}" src="{data_uri(image)}" width="{round(w * zoom)}" height="{round(h * zoom)}"/>'


def _figure(svg: str) -> str:
    return f"<figure>{svg}</figure>"


def _wide(content: str) -> str:
    """What may be wider than the page scrolls by itself, and by keyboard."""
    return f'<div class="wide" tabindex="0" role="group" aria-label="scrolls sideways">{content}</div>'


def _details(heading: str, content: str) -> str:
    return f"<details><summary>{escape(heading)}</summary>{_wide(content)}</details>"


def _sign_scale(scale: str) -> str:
    return f'<p class="scale">−{scale} <i></i> {scale}, clear at 0</p>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], scope: str = "") -> str:
        first = f'<th scope="{scope or "row"}">{escape(cells[0])}</th>'
        tag = f'th scope="{scope}"' if scope else "td"
        rest = "".join(f'<{tag} class="num">{escape(c)}</{tag[:2]}>' for c in cells[1:])
        return f"<tr>{first}{rest}</tr>"

    return f"<table><thead>{line(head, 'col')}</thead><tbody>{''.join(map(line, rows))}</tbody></table>"
