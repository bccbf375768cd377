"""Show what a network is made of: layers, output shapes, parameters, multiply-adds, memory for backward.

The network is one of `vision.models`, by name, or a Module of a script: a variable, a class or a function without
arguments that returns one.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import sys
from typing import TYPE_CHECKING, Any

from . import UserError

if TYPE_CHECKING:
    from ..viz.script import Script

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
    from ..viz.script import Script

    path, colon, name = args.target.partition(":")
    try:
        if colon or path.endswith(".py"):
            with Script(path) as script:
                with contextlib.redirect_stdout(sys.stderr):  # the table alone goes to standard output
                    model = from_script(script, name)
                if not args.input:
                    raise UserError(f"say what goes into {args.target} with --input, for example --input 1,1,28,28")
                show(model, args.input, args)
        else:
            inputs = args.input or [PHOTO if path.startswith("resnet") else DIGIT]
            show(from_models(path, inputs[0]), inputs, args)
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        raise UserError(error) from None


def show(model: Any, inputs: list[tuple[int, ...]], args: argparse.Namespace) -> None:
    from ..viz import summary

    found = summary(model, inputs, depth=args.depth, dtypes=args.dtype)
    print(json.dumps(found.to_dict()) if args.json else found)


def from_models(name: str, first: tuple[int, ...]) -> Any:
    """The model of this name for inputs of this shape."""
    from ..vision.models import get_model

    if len(first) != 4:
        raise UserError(f"--input {','.join(map(str, first))}: {name} takes images, N,C,H,W")
    return get_model(name, input_shape=first[1:])


def from_script(script: Script, name: str) -> Any:
    """The Module of this name or, without a name, the only one that the script makes."""
    from ..nn import Module

    namespace = script.run()
    modules = {k: v for k, v in namespace.items() if isinstance(v, Module) and not k.startswith("_")}
    if not name:
        if len(modules) != 1:
            there = f"it has {', '.join(modules)}" if modules else "it has no Module of its own"
            raise UserError(f"{script.path}: say which network, as {script.path}:NAME; {there}")
        (name,) = modules
    if name not in namespace:
        raise script.lacks(name, modules, "no Module of its own")
    thing = namespace[name]
    if not isinstance(thing, Module) and callable(thing):
        try:
            inspect.signature(thing).bind()
        except TypeError as error:
            raise UserError(f"{script.path}:{name} cannot be called without arguments: {error}") from None
        thing = thing()
    if not isinstance(thing, Module):
        raise UserError(f"{script.path}:{name} is a {type(thing).__name__}; expected a Module, or what makes one")
    return thing
