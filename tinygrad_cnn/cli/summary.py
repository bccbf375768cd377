"""Show what a network is made of: layers, output shapes, parameters, multiply-adds, memory for backward.

The network is one of `vision.models`, by name, or a Module of a script: a variable, a class or a function without
arguments that returns one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import runpy
import sys
from pathlib import Path
from typing import Any

from . import UserError

PHOTO = (1, 3, 224, 224)
DIGIT = (1, 1, 28, 28)


def shape(text: str) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in text.split(",") if n.strip())
    if not sizes or min(sizes) < 0:
        raise argparse.ArgumentTypeError(f"expected a shape such as 1,1,28,28, got {text!r}")
    return sizes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("target", metavar="SCRIPT.py[:NAME] | MODEL", help="a Module of a script, or the name of a model such as lenet")
    add(
        "--input",
        action="append",
        type=shape,
        metavar="SHAPE",
        help="what goes in, with the batch axis: 1,1,28,28; once for each input (default: one digit or photo)",
    )
    add("--dtype", action="append", help="of the inputs, such as int64; once for each (default: as the parameters)")
    add("--depth", type=int, help="fold modules deeper than this")
    add("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> None:
    from ..viz import summary

    script, colon, name = args.target.partition(":")
    if colon or script.endswith(".py"):
        model = from_script(script, name)
        if not args.input:
            raise UserError(f"say what goes into {args.target} with --input, for example --input 1,1,28,28")
        inputs = args.input
    else:
        inputs = args.input or [PHOTO if script.startswith("resnet") else DIGIT]
        model = from_models(script, inputs[0])
    try:
        found = summary(model, inputs, depth=args.depth, dtypes=args.dtype)
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        raise UserError(error) from None
    print(json.dumps(found.to_dict(), ensure_ascii=False) if args.json else found)


def from_models(name: str, first: tuple[int, ...]) -> Any:
    """The model of this name for inputs of this shape."""
    from ..vision.models import get_model

    if len(first) != 4:
        raise UserError(f"--input {','.join(map(str, first))}: {name} takes images, N,C,H,W")
    try:
        return get_model(name, input_shape=first[1:])
    except ValueError as error:
        raise UserError(error) from None


def from_script(script: str, name: str) -> Any:
    """The Module of this name or, without a name, the only one that the script makes."""
    from ..nn import Module

    path = Path(script)
    if not path.is_file():
        raise UserError(f"{script}: there is no such script")
    before = list(sys.path), sys.argv
    sys.path.insert(0, str(path.resolve().parent))  # as if it were run, without options
    sys.argv = [script]
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the table alone goes to standard output
            namespace = runpy.run_path(str(path), run_name=path.stem)
    except SystemExit:
        raise UserError(f"{script}: it ended itself (SystemExit) before there was a network") from None
    except (RuntimeError, ValueError, OSError) as error:  # as of a damaged file that it loads
        raise UserError(f"{script}: {error}") from None
    finally:
        sys.path[:], sys.argv = before
    modules = {k: v for k, v in namespace.items() if isinstance(v, Module) and not k.startswith("_")}
    if not name:
        if len(modules) != 1:
            there = f"it has {', '.join(modules)}" if modules else "it has no Module of its own"
            raise UserError(f"{script}: say which network, as {script}:NAME; {there}")
        (name,) = modules
    if name not in namespace:
        raise UserError(f"{script}: there is no {name!r}; the networks in it: {', '.join(modules) or 'none'}")
    thing = namespace[name]
    if not isinstance(thing, Module) and callable(thing):
        try:
            thing = thing()
        except TypeError as error:
            raise UserError(f"{script}:{name} cannot be called without arguments: {error}") from None
    if not isinstance(thing, Module):
        raise UserError(f"{script}:{name} is a {type(thing).__name__}; expected a Module, or what makes one")
    return thing
