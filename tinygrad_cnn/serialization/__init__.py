"""Saving and loading without pickle: a file that is loaded can bring values, never code.

A file is a zip archive of

    tinygrad_cnn.json    {"format": "tinygrad_cnn", "version": 1, "object": ..., "metadata": {"name": "text"}}
    arrays/0.npy, ...    the arrays, in NumPy's own format

In "object", null, true, numbers, strings and lists stand for themselves, and everything else is an object
with one key that says what it is: {"dict": {...}}, {"dict": [[key, value], ...]} where keys are not all
strings, {"OrderedDict": ...}, {"tuple": [...]}, {"set": [...]}, {"frozenset": [...]}, {"int": "0x..."} where it is very
long, {"float": "nan"}, {"complex": [re, im]}, {"bytes": base64}, {"str": base64} where JSON would change it,
{"dtype": "float32"}, {"device": "cpu"}, {"array": n}, {"scalar": n}, and {"tensor": {"array": n, "kind": "Tensor" or
"Parameter", "requires_grad": true or false}}. What stood on the same memory before stands on the same memory again, if
it was the whole of it. Nothing is compressed, so that what is read is never larger than the file.

Two formats that others know are told by the ending of the name: `.safetensors`, and `.npz`, NumPy's archive of arrays.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from .. import files
from ..arrays.device import refuse_other
from .decode import check_metadata, read, read_metadata
from .encode import Encoder

PICKLE_ARGUMENTS = {"encoding", "errors", "fix_imports"}


def save(
    obj: Any,
    f: str | os.PathLike | BinaryIO,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors, and dicts, lists and tuples of them and of plain values, into a file.

    obj: a state_dict of a model, optimizer or scheduler, or anything made of Tensors, arrays, numbers, strings, None,
    dicts, lists, tuples and sets, at most 100 levels deep. f: a path, or a file open for writing in binary mode. A path
    that ends in .safetensors or .npz takes a flat dict of Tensors; `numpy.load` gives the latter's arrays by the same
    names. metadata: text beside the object, as safetensors has it, for `load_metadata`; `load` gives the object alone.
    The other arguments are PyTorch's, and tell nothing: no file holds a pickle.

    The file appears whole or not at all, as `files.whole` does it. What could not be read back is not written: a
    TypeError or ValueError names the place of it, before anything is written. OSError where nothing can be written.

    >>> import io, tinygrad_cnn as tg
    >>> file = io.BytesIO()
    >>> save({"weight": tg.ones(2), "epoch": 3}, file)
    >>> load(file)["weight"].tolist()
    [1.0, 1.0]
    """
    text = check_metadata(metadata or {})
    if isinstance(f, str | os.PathLike):
        write = _writer(obj, text, _ending(f))
        with files.whole(f) as file:
            write(file)
    elif not hasattr(f, "write") or isinstance(f, io.TextIOBase):
        raise TypeError(f"save: expected a path or a file open for writing in binary mode, got {type(f).__name__}")
    else:
        Encoder(obj, text).write(f)


def load(
    f: str | os.PathLike | BinaryIO,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = True,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save` has written. All of it is read and checked before anything is returned.

    map_location: where the tensors are to be; there is only "cpu". weights_only, mmap, pickle_module and its arguments
    are PyTorch's and tell nothing: no file holds code, whatever they say, and each is read whole.

    Of a .safetensors file, or an .npz archive, whoever wrote it, the tensors by name. bfloat16, which NumPy has not,
    becomes float32, which has all of its values; a UserWarning says so. What an .npz archive holds of text or dates
    stays an array of NumPy.

    Raises a FileNotFoundError, or a RuntimeError for a file that is damaged or of another kind; for one of `torch.save`
    it gives the two lines that convert it.

    >>> import io, tinygrad_cnn as tg
    >>> file = io.BytesIO()
    >>> save([tg.ones(2), "text"], file)
    >>> load(file)
    [tensor([1., 1.], shape=(2,), dtype=float32), 'text']
    """
    if not callable(map_location) and not isinstance(map_location, Mapping):
        refuse_other(map_location)
    if unknown := pickle_load_args.keys() - PICKLE_ARGUMENTS:
        raise TypeError(f"load: unknown argument {', '.join(sorted(unknown))}")
    if pickle_module is not None and weights_only is not False:
        raise RuntimeError("load: weights_only=True reads no pickle, so there is nothing for pickle_module to do")
    if mmap and not isinstance(f, str | os.PathLike):
        raise ValueError("load: mmap=True takes the path of a file")
    return _from(f, read, "from_safetensors", "load")


def load_metadata(f: str | os.PathLike | BinaryIO) -> dict[str, str]:
    """The text that `save` has written beside the object; {} where there is none. No array is read.

    Raises as `load` does.

    >>> import io, tinygrad_cnn as tg
    >>> file = io.BytesIO()
    >>> save({"weight": tg.ones(2)}, file, metadata={"classes": "cat dog"})
    >>> load_metadata(file)
    {'classes': 'cat dog'}
    """
    return _from(f, read_metadata, "metadata_of", "load_metadata")


def _from(f: Any, reads: Callable[[Any, str], Any], of_safetensors: str, caller: str) -> Any:
    """What is read from a file, by its path or open."""
    if isinstance(f, str | os.PathLike):
        if _ending(f) == ".safetensors":
            return getattr(import_module(f"{__name__}.safetensors"), of_safetensors)(Path(f))
        with Path(f).open("rb") as file:
            return reads(file, os.fspath(f))
    if not hasattr(f, "read") or isinstance(f, io.TextIOBase):
        raise TypeError(f"{caller}: expected a path or a file open for reading in binary mode, got {type(f).__name__}")
    return reads(f, "")


def _ending(f: str | os.PathLike) -> str:
    """What the name of a file ends in, behind all links."""
    return Path(os.path.realpath(f)).suffix


def _writer(obj: Any, metadata: dict[str, str], ending: str) -> Any:
    """What writes an object into a file, once it is certain that it can be written."""
    if ending == ".safetensors":
        from .safetensors import to_safetensors

        blob = to_safetensors(obj, metadata)
        return lambda file: file.write(blob)
    if ending == ".npz":
        from .npz import Arrays

        return Arrays(obj, metadata).write
    return Encoder(obj, metadata).write
