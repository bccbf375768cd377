"""Write a trained network for others: as .safetensors, .npz, ONNX, or weights of this library.

All of them hold what the network must be given besides: size, mean and deviation of its images, the names of its
classes.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from . import UserError
from .card import KEY
from .saved import WHERE, Saved, read
from .train.options import check_library, check_writable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("network", metavar="RUN|WEIGHTS", help=f"{WHERE}, of tinygrad-cnn train")
    add("-o", "--output", required=True, metavar="FILE", help="its ending says what to write: " + ", ".join(FORMATS))
    add("--json", action="store_true", help="print what was written as one JSON object")


def run(args: argparse.Namespace) -> None:
    path = Path(args.output)
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise UserError(f"--output: {path} should end in one of {', '.join(FORMATS)}")
    check_writable("--output", path)
    check_library("--output", path)
    saved = read(args.network)
    FORMATS[ending](saved, path)
    facts = {
        "network": str(saved.path),
        "model": saved.card.model,
        "parameters": sum(p.numel() for p in saved.model.parameters()),
        "file": str(path),
        "bytes": path.stat().st_size,
    }
    if args.json:
        print(json.dumps(facts))
    else:
        print(f"{path}: {facts['model']}, {facts['parameters']:,} parameters, {facts['bytes']:,} bytes")


def weights(saved: Saved, path: Path) -> None:
    from ..checkpoint import save

    save(saved.model.state_dict(), path, metadata=saved.card.metadata())


def npz(saved: Saved, path: Path) -> None:
    """Arrays under the names of a state_dict; the card is the archive's comment, so that it is none of them."""
    from .. import files

    content = io.BytesIO()
    np.savez(content, **{name: t.numpy() for name, t in saved.model.state_dict().items()})
    comment = saved.card.metadata()[KEY].encode()
    if len(comment) > zipfile.ZIP_MAX_COMMENT:
        raise UserError("--output: the names of the classes are too long for an .npz file; take .safetensors")
    with zipfile.ZipFile(content, "a") as archive:
        archive.comment = comment
    files.write(path, content.getvalue())


FORMATS = {".tgc": weights, ".safetensors": weights, ".npz": npz}
