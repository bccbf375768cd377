"""Write a trained network for others: as .safetensors, .npz, ONNX, or weights of this library.

All of them hold what the network must be given besides: size, mean and deviation of its images, the names of its
classes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import UserError
from .output import harmless
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
    data = {**saved.card.data, "root": None}  # a path of this machine is nobody's business
    saved = saved._replace(card=saved.card._replace(data=data))
    try:
        FORMATS[ending](saved, path)
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise UserError(f"--output: {error}") from None
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
        print(harmless(f"{path}: {facts['model']}, {facts['parameters']:,} parameters, {facts['bytes']:,} bytes"))


def weights(saved: Saved, path: Path) -> None:
    from ..checkpoint import save

    save(saved.model.state_dict(), path, metadata=saved.card.metadata())


def onnx(saved: Saved, path: Path) -> None:
    """From images of any number, as `Card.normalised` makes them, to logits; the card is in metadata_props."""
    from .. import onnx, zeros

    batch = {0: "batch"}
    program = onnx.export(
        saved.model, (zeros(1, *saved.card.shape),), input_names=["images"], output_names=["logits"],
        dynamic_axes={"images": batch, "logits": batch},
    )  # fmt: skip
    for key, value in saved.card.metadata().items():
        program.model_proto.metadata_props.add(key=key, value=value)
    program.save(path)


FORMATS = {".tgc": weights, ".safetensors": weights, ".npz": weights, ".onnx": onnx}
