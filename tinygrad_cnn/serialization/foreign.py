"""Files of other kinds: what is said of them, and how they are converted."""

from __future__ import annotations

import os
import pickletools
import zipfile
from collections.abc import Iterator
from typing import Any

# How torch.save began its files before they were zip archives: a pickle of a magic number, which is the third of four.
MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
PICKLED = 4
# What a pickle of tensors and plain values names; a model that was pickled whole names its classes as well.
OF_TENSORS = ("torch", "torch._utils", "torch.storage", "torch.serialization", "torch.nn.parameter", "collections")
LONGEST = 1 << 24  # bytes of a pickle that are looked at

LINES = """\
import torch; from safetensors.torch import save_file
save_file({{k: v.contiguous().clone() for k, v in {state}.items()}}, {to!r})"""


def of_archive(archive: zipfile.ZipFile, path: str) -> str:
    """What a zip archive is that is not ours."""
    names = archive.namelist()
    pickled = next((name for name in names if name == "data.pkl" or name.endswith("/data.pkl")), None)
    if pickled is None:
        return "Was it made by save()?"
    if any(name.endswith("constants.pkl") for name in names):
        return _of_torch("torch.jit.save", f"torch.jit.load({_name(path)!r}, map_location='cpu').state_dict()", path)
    with archive.open(pickled) as file:
        return _of_pickle([file.read(LONGEST)], path)


def of_bytes(file: Any, path: str) -> str:
    """What a file is that is no archive: a pickle, of torch.save or of others; "" where there is nothing to say."""
    file.seek(0)
    content = file.read(LONGEST)
    if content[:2] == b"\x80\x02" and content[2 : 2 + len(MAGIC)] == MAGIC:
        return f". {_of_pickle(_pickles(content), path)}"
    if content[:1] == b"\x80" and content[1:2] <= b"\x05" and len(content) > 2:
        return ". It begins as a pickle, which can run code and is not read"
    return ""


def _pickles(content: bytes) -> Iterator[bytes]:
    """The pickles that a file of torch.save begins with, when it is no archive."""
    for _ in range(PICKLED):
        try:
            *_, (_, _, end) = pickletools.genops(content)
        except ValueError:  # cut off
            return
        yield content[: (end or 0) + 1]
        content = content[(end or 0) + 1 :]


def _of_pickle(pickles: Any, path: str) -> str:
    """What torch.save has written, told by what its pickles name."""
    load = f"torch.load({_name(path)!r}, map_location='cpu', weights_only="
    if all(module in OF_TENSORS for pickle in pickles for module in _modules(pickle)):
        return _of_torch("torch.save", f"{load}True)", path, "; where it holds more than a state_dict, take that")
    return _of_torch("torch.save, a model and not its state_dict", f"{load}False).state_dict()", path)


def _modules(pickle: bytes) -> Iterator[str]:
    """The modules that a pickle names, in no way that could import one of them."""
    texts: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(pickle):
            if opcode.name == "GLOBAL":
                yield str(argument).split(" ")[0]
            elif opcode.name == "STACK_GLOBAL":
                yield texts[-2] if len(texts) > 1 else ""
            elif isinstance(argument, str):
                texts.append(argument)
    except ValueError:  # cut off, or no pickle
        return


def _of_torch(maker: str, state: str, path: str, note: str = "") -> str:
    to = os.path.splitext(_name(path))[0] + ".safetensors"
    return (
        f"It was made by {maker} and holds pickled code, which is not run here; in PyTorch, two lines write a file "
        f"in .safetensors that load() reads{note}:\n{LINES.format(state=state, to=to)}"
    )


def _name(path: str) -> str:
    return path or "model.pt"
