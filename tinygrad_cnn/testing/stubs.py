"""What an editor is told of names that are made at import: `python -m tinygrad_cnn.testing.stubs` writes the stubs.

Four files: the package's face, what `surface/` attaches to Tensor, `nn.functional`, and `linalg`. All of it follows
from the declarations over the functions (`ops/declared.py`) and from their annotations, where an Array is a Tensor to
callers. A fifth, `ops/names.py`, is for the package itself: the names of those files of ops that it opens when asked
for them. A test holds the files equal to what this would write. Python 3.11 or newer writes them.
Small ones stand for those files of PyTorch that have another place here (`pytorch/moved.py`).
With them it writes the page on what of PyTorch is here (`pytorch/README.md`).
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tinygrad_cnn
from tinygrad_cnn import files, linalg, ops
from tinygrad_cnn.nn import functional
from tinygrad_cnn.ops.declared import Declaration, declared, places
from tinygrad_cnn.pytorch import report
from tinygrad_cnn.pytorch.moved import MOVED, NAMES
from tinygrad_cnn.pytorch.names import ours, theirs

KEYWORD = inspect.Parameter.KEYWORD_ONLY
PACKAGE = Path(tinygrad_cnn.__file__).parent
HEAD = '"""{}\n\nWritten by `python -m tinygrad_cnn.testing.stubs`.\n"""\n'

# Where the names that annotations use come from.
ORIGINS = {
    "typing": "Any Literal overload",
    "typing_extensions": "Self",
    "collections.abc": "Callable Iterator Sequence",
    "numpy": "np",
    "tinygrad_cnn.arrays.device": "Device Layout",
    "tinygrad_cnn.arrays.size": "Size",
    "tinygrad_cnn.arrays.types": "Axis DType Number Shape Window",
    "tinygrad_cnn.engine.node": "Handle",
    "tinygrad_cnn.engine.tensor": "Tensor",
    "tinygrad_cnn.ops.extreme": "Chosen MinMax",
    "tinygrad_cnn.ops.factors": "CholeskyInfo LU LUFactor LUFactorInfo QR",
    "tinygrad_cnn.ops.former": "SVDWithV TriangularSolution",
    "tinygrad_cnn.ops.histogram": "Histogram",
    "tinygrad_cnn.ops.numbers": "Frexp",
    "tinygrad_cnn.ops.shape": "memory_format",
    "tinygrad_cnn.ops.solve": "Inverse SLogDet Solution",
    "tinygrad_cnn.ops.spectrum": "Eigen LeastSquares SVD",
    "tinygrad_cnn.random": "Generator",
    "tinygrad_cnn.surface.storage": "Storage",
}
SPELLED = {
    "np": "import numpy as np",
    "Device": "from tinygrad_cnn.arrays.device import device as Device",
    "Layout": "from tinygrad_cnn.arrays.device import layout as Layout",
}


# Signatures.


def told(annotation: Any) -> str:
    """An annotation as callers see it: `tinygrad_cnn.float` is a dtype, `Tensor.int` a method, so `builtins.float`."""
    if annotation is inspect.Parameter.empty:
        return "Any"
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\bArray\b", "Tensor", text)
    return re.sub(r"(?<![\w.])(bool|complex|dict|float|int|list|object|str|tuple|type)\b", r"builtins.\1", text)


def default(value: Any) -> str:
    plain = value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and abs(value) < 1e300)
    return repr(value) if plain else "..."


def line(p: inspect.Parameter) -> str:
    star = "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""
    return f"{star}{p.name}: {told(p.annotation)}" + ("" if p.default is p.empty else f" = {default(p.default)}")


def arguments(parameters: list[inspect.Parameter], method: bool) -> str:
    lines, starred = [], False
    for i, p in enumerate(parameters):
        if p.kind is p.KEYWORD_ONLY and not starred:
            lines.append("*")
        starred = starred or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        lines.append("self" if method and i == 0 else line(p))
        if p.kind is p.POSITIONAL_ONLY and not method:
            lines.append("/")
    return ", ".join(lines)


def definition(
    name: str, f: Callable, *, method: bool = False, out: bool = False, returns: str = "", flags: str = "",
    sizes: bool = False,
) -> str:  # fmt: skip
    """A function as a stub has it, with the first line of its docstring; several where its result differs."""
    texts = []
    for version in typing.get_overloads(inspect.unwrap(f)) or [f]:  # type: ignore[attr-defined]
        signature = inspect.signature(version)
        parameters = list(signature.parameters.values())
        annotation = signature.return_annotation
        result = returns or ("Tensor" if annotation is signature.empty else told(annotation))
        for given, gives in with_flags(parameters, result, flags):
            if out and "out" not in signature.parameters:
                held = "Tensor" if gives in ("Tensor", "Any") else "builtins.tuple[Tensor, ...]"
                given = [*given, inspect.Parameter("out", KEYWORD, default=None, annotation=f"{held} | None")]
            texts.append(f"def {name}({arguments(given, method)}) -> {gives}:")
        if sizes:
            one = parameters[1].replace(kind=inspect.Parameter.VAR_POSITIONAL, annotation="int")
            texts.append(f"def {name}({arguments([parameters[0], one], method)}) -> {result}:")
    mark = "@overload\n" if len(texts) > 1 else ""
    return "\n".join(f"{mark}{text}\n{body(f)}" for text in texts)


def with_flags(parameters: list[inspect.Parameter], result: str, flags: str) -> list[tuple[list, str]]:
    """The parameters and the result where no flag is set, for each flag where it is, and where nobody knows."""
    if not flags:
        return [(parameters, result)]
    names, _, other = flags.partition(" -> ")

    def held(annotation: str, chosen: str) -> list[inspect.Parameter]:
        found = [p.replace(annotation=annotation) if p.name in chosen.split() else p for p in parameters]
        if annotation.endswith("[True]"):  # then it has no default, so it is given by name
            i = next(i for i, p in enumerate(found) if p.name == chosen)
            found[i:] = [p.replace(kind=KEYWORD) for p in found[i:]]
            found[i] = found[i].replace(default=inspect.Parameter.empty)
        return found

    cases = [(held("Literal[False]", names), result)]
    cases += [(held("Literal[True]", name), told(other)) for name in names.split()]
    return [*cases, (parameters, "Any")]


def body(f: Any) -> str:
    first = (inspect.getdoc(f) or "").partition("\n")[0].strip().replace("\\", "\\\\")
    return f'    """{first}"""' if first and first[-1] != '"' else "    ..."


# What appears where.


def of_package(d: Declaration) -> dict[str, str]:
    f, out, found = d.function, "out" in d.words, {}
    if "function" in d.words:
        found.update({name: definition(name, f, out=out, flags=d.flags) for name in d.names})
    if "function_" in d.words:
        found.update({f"{name}_": definition(f"{name}_", f) for name in d.names})
    return found


def of_functional(d: Declaration) -> dict[str, str]:
    if "functional" not in d.words:
        return {}
    out = "out" in d.words and "inplace" not in d.words
    found = {name: definition(name, getattr(functional, name), out=out, flags=d.flags) for name in d.names}
    if "inplace_" in d.words:
        found.update({f"{name}_": definition(f"{name}_", d.function) for name in d.names})
    return found


def of_linalg(d: Declaration) -> dict[str, str]:
    out = "out" in d.words
    return {name: definition(name, d.function, out=out) for name in d.names} if "linalg" in d.words else {}


def of_tensor(d: Declaration) -> dict[str, str]:
    f, found = d.function, {}
    for name in d.names:
        if "method" in d.words or "sizes" in d.words:
            found[name] = definition(name, f, method=True, flags=d.flags, sizes="sizes" in d.words)
        if "in_place" in d.words or "in_shape" in d.words:
            method = getattr(tinygrad_cnn.Tensor, f"{name}_")
            found[f"{name}_"] = definition(f"{name}_", method, method=True, returns="Self")
    return found


def attached() -> dict[str, str]:
    """Methods and attributes that `surface/` gives Tensor by name."""
    found = {}
    for name, value in vars(tinygrad_cnn.Tensor).items():
        get: Any = value.fget if isinstance(value, property) else value
        module = getattr(get, "__module__", "") or ""
        if isinstance(value, property) and module.startswith("tinygrad_cnn.surface"):
            returns = told(inspect.signature(get).return_annotation)
            found[name] = f"@property\ndef {name}(self) -> {returns}:\n{body(get)}"
        elif value is False:
            found[name] = f"{name}: builtins.bool"
        elif callable(value) and (module.startswith("tinygrad_cnn.surface") or hasattr(value, "op")):
            found[name] = definition(name, value, method=True)
            if name in ("__eq__", "__ne__"):  # object's give a bool
                found[name] = found[name].replace(":\n", ":  # type: ignore[override]\n", 1)
    return found


# The files.


def file(title: str, head: Iterable[str], found: dict[str, str], indent: str = "") -> str:
    """A stub: imports, then definitions in the order of their names."""
    texts = [found[name] for name in sorted(found)]
    code = "\n".join(texts)
    used = set(re.findall(r"[A-Za-z_]\w*", re.sub(r'""".*?"""', "", code)))
    lines = ["import builtins"]
    exported = " ".join(head)
    for module, names in ORIGINS.items():
        for name in names.split():
            if name in used and f"import {name} as {name}" not in exported:
                lines.append(SPELLED.get(name, f"from {module} import {name}"))
    body = "\n\n".join(texts)
    body = "\n".join(indent + line if line else line for line in body.split("\n"))
    return "\n".join([HEAD.format(title), *lines, "", *head, body, ""])


def exports() -> list[str]:
    """What the package's own file imports and assigns, as exports."""
    lines = []
    for node in ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            names = [a.asname or a.name for a in node.names if not (a.asname or a.name).startswith("_")]
            pairs = [(a.name, a.asname or a.name) for a in node.names if (a.asname or a.name) in names]
            source = "." * node.level + (node.module or "")
            lines += [f"from {source} import {name} as {shown}" for name, shown in pairs]
    face = vars(tinygrad_cnn)
    lines += [f"from . import {room} as {room}" for room in face["_ROOMS"]]
    lines += [f"from .{room} import {name} as {name}" for name, room in face["_LATER"].items()]
    return [*lines, "", "__version__: builtins.str", "newaxis: None", ""]


def names() -> str:
    """The names of those files of ops that open when asked for, by file and by place."""
    tree = ast.parse((PACKAGE / "ops" / "__init__.py").read_text(encoding="utf-8"))
    first = {a.name for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names}
    found: dict[str, dict[str, list[str]]] = {}
    for d in declared:
        room, _, name = d.function.__module__.rpartition(".")
        if room == ops.__name__ and name not in first:
            for home, forms in places:
                found.setdefault(name, {}).setdefault(home.__name__, []).extend(forms(d))
    lines = []
    for name in sorted(found):
        lines.append(f'    "{name}": {{')
        for home in sorted(found[name]):
            if words := sorted(found[name][home]):
                lines += [f'        "{home}": """', *textwrap.wrap(" ".join(words), 108, initial_indent=" " * 12,
                          subsequent_indent=" " * 12), '        """,']  # fmt: skip
        lines.append("    },")
    title = "The files of ops that are opened when they are asked for, and their names by place."
    return HEAD.format(title) + "\n".join(["\nNAMES: dict[str, dict[str, str]] = {", *lines, "}", ""])


def moved() -> dict[Path, str]:
    """PyTorch's files that have another place here: checkers do not run what makes these modules."""
    found = {}
    for path, homes in MOVED.items():
        *folders, name = ours(path).split(".")[1:]
        folder = PACKAGE.joinpath(*folders)
        if not folder.is_dir() or (folder / f"{name}.py").is_file():  # below a file; or one that is there
            continue
        stub = folder / name / "__init__.pyi" if (folder / name).is_dir() else folder / f"{name}.pyi"
        above = ours(path).rpartition(".")[0]
        here = {ours(home): private(ours(home)) for home in homes.split()}
        if MOVED.get(theirs(above)) == homes:  # the names are those of the folder
            here = {above: {shown: shown for names in here.values() for shown in names.values()}}
        lines = [f"from {home} import *" for home in here]
        for home, names in here.items():
            lines += [f"from {home} import {', '.join(f'{name} as {name}' for name in names)}"] if names else []
            lines += [f"{shown} = {name}" for name, shown in names.items() if shown != name]
        found[stub] = "\n".join([HEAD.format(f"`{ours(path)}`, whose names stand elsewhere."), *lines, ""])
    return found


def private(home: str) -> dict[str, str]:
    """What scripts import though it has an underscore, with PyTorch's names: base classes, and all of two files."""
    theirs = {mine: name for name, mine in NAMES.items() if "." not in name}
    found = {}
    for name, value in vars(importlib.import_module(home)).items():
        its = name in theirs and getattr(value, "__module__", "") == home
        if its or (re.match("_[^_]", name) and home.endswith(("utils.types", "vision.weights"))):
            found[name] = theirs.get(name, name)
    return found


def stubs() -> dict[Path, str]:
    """The text of each stub, by its path."""
    ops.open_all()
    face: dict[str, str] = {}
    tensor = attached()
    layers: dict[str, str] = {}
    matrices: dict[str, str] = {}
    for d in declared:
        face.update(of_package(d))
        tensor.update(of_tensor(d))
        layers.update(of_functional(d))
        matrices.update(of_linalg(d))
    for name in vars(functional)["_here"]:
        layers[name] = definition(name, getattr(functional, name))
    return {
        PACKAGE / "__init__.pyi": file("The package's face.", exports(), face),
        PACKAGE / "surface" / "attached.pyi": file(
            "What `surface/` attaches to Tensor.", ["class Attached:"], tensor, "    "
        ),
        PACKAGE / "nn" / "functional.pyi": file("Layers as functions.", [], layers),
        PACKAGE / "linalg.pyi": file(
            "Linear algebra.", [f"from {linalg.LinAlgError.__module__} import LinAlgError as LinAlgError\n"], matrices
        ),
        PACKAGE / "ops" / "names.py": names(),
        **moved(),
    }


if __name__ == "__main__":
    for path, text in [*stubs().items(), (report.PAGE, report.page(report.entries()))]:
        files.write(path, text)
