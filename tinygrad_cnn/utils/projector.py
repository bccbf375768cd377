"""Points for the projector of TensorBoard: plain text files in the folder of a run, and a list of them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import files
from ..viz.pixels import png


def write_points(
    folder: str,
    points: np.ndarray,
    labels: Sequence | None,
    header: Sequence[str] | None,
    pictures: np.ndarray | None,
    step: Any,
    tag: str,
) -> None:
    """Write points (N, D), a label or a list of them for each, and pictures (N, H, W, 3 or 1), bytes, of each.

    ValueError where there are not as many labels or pictures as points.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_points(folder, np.arange(4.0).reshape(2, 2), ["a", "b"], None, None, 3, "words")
    ...     print(pathlib.Path(folder, "projector_config.pbtxt").read_text(), end="")
    ...     pathlib.Path(folder, "00003/words/tensors.tsv").read_text()
    embeddings {
      tensor_name: "words:00003"
      metadata_path: "00003/words/metadata.tsv"
      tensor_path: "00003/words/tensors.tsv"
    }
    '0.0\\t1.0\\n2.0\\t3.0\\n'
    """
    if points.ndim != 2:
        raise ValueError(f"add_embedding: mat is a point a row, (N, D); got shape {points.shape}")
    for what, given in (("metadata", labels), ("label_img", pictures)):
        if given is not None and len(given) != len(points):
            raise ValueError(f"add_embedding: {what} has {len(given)} rows, mat has {len(points)}")
    number = f"{int(step or 0):05}"
    place = f"{number}/{tag}"
    os.makedirs(os.path.join(folder, place), exist_ok=True)
    listed = [f"tensor_name: {json.dumps(f'{tag}:{number}')}"]
    if labels is not None:
        rows = [list(header), *labels] if header else list(labels)
        _write_rows(os.path.join(folder, place, "metadata.tsv"), rows)
        listed.append(f"metadata_path: {json.dumps(f'{place}/metadata.tsv')}")
    if pictures is not None:
        height, width = pictures.shape[1:3]
        files.write(os.path.join(folder, place, "sprite.png"), png(_sprite(pictures)))
        size = f"single_image_dim: {width}\n    single_image_dim: {height}"
        listed.append(f"sprite {{\n    image_path: {json.dumps(f'{place}/sprite.png')}\n    {size}\n  }}")
    _write_rows(os.path.join(folder, place, "tensors.tsv"), points.tolist())
    listed.append(f"tensor_path: {json.dumps(f'{place}/tensors.tsv')}")
    known = Path(folder, "projector_config.pbtxt")
    before = known.read_text(encoding="utf-8") if known.exists() else ""
    files.write(known, before + "".join(["embeddings {\n", *(f"  {line}\n" for line in listed), "}\n"]))


def _write_rows(path: str, rows: Sequence) -> None:
    lines = (row if isinstance(row, list | tuple) else [row] for row in rows)
    files.write(path, "".join("\t".join(" ".join(str(cell).split()) for cell in cells) + "\n" for cells in lines))


def _sprite(pictures: np.ndarray) -> np.ndarray:
    """The pictures in the rows of a square, (S, S, C), which is white where there are none."""
    n, height, width, channels = pictures.shape
    columns = math.ceil(math.sqrt(n))
    side = columns * max(height, width)
    square = np.full((side, side, channels), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // columns * height, i % columns * width
        square[top : top + height, left : left + width] = picture
    return square
