"""Files that TensorBoard shows, written with the names of PyTorch's `utils.tensorboard`.

    with SummaryWriter("runs/first") as writer:
        writer.add_scalar("loss", loss, step)
        writer.add_histogram("weight", model[0].weight, step)

The messages in the files are those of tensorboardX, a small library of the extra `log`; TensorBoard itself, which shows
them, is not needed to write them. No thread stands behind a writer: what is not flushed yet is in its file's buffer.
"""

from __future__ import annotations

import importlib
import itertools
import os
import socket
import struct
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import viz
from ..autograd.grad_mode import enable_grad
from ..engine.tensor import Tensor, as_array
from ..nn import Module
from ..viz.pixels import png
from .projector import write_points

_numbers = itertools.count()
# The edges of TensorFlow's buckets, each a tenth larger than the one before.
_RISING = np.cumprod([1e-12, *[1.1] * 773])
BINS = np.concatenate([-_RISING[::-1], [0.0], _RISING])


# What is used of tensorboardX's messages, by the file that they are in.
_MESSAGES = {
    "attr_value": "AttrValue",
    "event": "Event SessionLog",
    "graph": "GraphDef",
    "node_def": "NodeDef",
    "plugin_hparams": "HParamsPluginData",
    "summary": "Summary SummaryMetadata",
    "tensor": "TensorProto",
    "tensor_shape": "TensorShapeProto",
    "versions": "VersionDef",
}


def _tensorboard_x() -> SimpleNamespace:
    """What is used of tensorboardX. ImportError, with the cure, where it is not installed."""
    try:
        from tensorboardX import record_writer, summary
    except ImportError as error:
        raise ImportError(
            'files for TensorBoard need tensorboardX, which is not installed: pip install "tinygrad_cnn[log]"'
        ) from error
    found = SimpleNamespace(summary=summary, masked_crc32c=record_writer.masked_crc32c)
    for place, names in _MESSAGES.items():
        module = importlib.import_module(f"tensorboardX.proto.{place}_pb2")
        for name in names.split():
            setattr(found, name, getattr(module, name))
    return found


class _EventFile:
    """A file of events in a folder of its own: each its length, the bytes, and a checksum of either."""

    def __init__(self, folder: str, suffix: str, max_queue: int, flush_secs: float, checksum: Callable[[bytes], int]):
        self.checksum = checksum
        self.max_queue, self.flush_secs = max_queue, flush_secs
        os.makedirs(folder, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self.file = open(os.path.join(folder, name + suffix), "xb")  # noqa: SIM115 (open as long as the writer is)
        weakref.finalize(self, self.file.close)  # at the end of the program, too
        self.waiting, self.flushed = 0, time.monotonic()

    def add(self, event: Any, step: Any = None, walltime: float | None = None) -> None:
        event.wall_time = time.time() if walltime is None else walltime
        if step is not None:
            event.step = int(step)
        data = event.SerializeToString()
        head = struct.pack("<Q", len(data))
        sums = [struct.pack("<I", self.checksum(part)) for part in (head, data)]
        self.file.write(head + sums[0] + data + sums[1])
        self.waiting += 1
        if self.waiting >= self.max_queue or time.monotonic() - self.flushed >= self.flush_secs:
            self._hand_over()

    def _hand_over(self) -> None:
        self.file.flush()
        self.waiting, self.flushed = 0, time.monotonic()

    def flush(self) -> None:
        self._hand_over()
        os.fsync(self.file.fileno())


class SummaryWriter:
    """Writes what TensorBoard shows into event files in a folder.

    log_dir: the folder, by default runs/<date and host><comment>, a new one for each run. purge_step: a run that goes
    on from this step in the same folder: TensorBoard hides what was written before of this step and those after it.
    max_queue, flush_secs: events go to the operating system when so many wait, or when one comes so many seconds after
    the last time; flush() and close() bring all of them to the disk. After close(), the next event begins a new file.
    filename_suffix: stands at the end of the files' names.

    Values are Tensors, arrays or numbers; no graph is kept. ImportError, naming the extra, without tensorboardX.
    What PyTorch's has beside these methods (video, audio, meshes) is not here.

    >>> import os, tempfile, tinygrad_cnn as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with SummaryWriter(folder) as writer:
    ...         for step in range(3):
    ...             writer.add_scalar("loss", tg.tensor(1 / (1 + step)), step)
    ...     [name[:19] for name in os.listdir(folder)]  # which `tensorboard --logdir` shows
    ['events.out.tfevents']
    """

    def __init__(
        self,
        log_dir: str | os.PathLike | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ):
        self._tb = _tensorboard_x()
        now = time.strftime("%b%d_%H-%M-%S")
        self.log_dir = os.fspath(log_dir) if log_dir else f"runs/{now}_{socket.gethostname()}{comment}"
        self.purge_step = purge_step
        self.max_queue, self.flush_secs, self.filename_suffix = max_queue, flush_secs, filename_suffix
        self._files: dict[str, _EventFile] = {}
        self._file()

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def _file(self, below: str = "") -> _EventFile:
        """The file of the folder, or of a folder in it, which TensorBoard shows as a run of its own."""
        if below not in self._files:
            folder = os.path.join(self.log_dir, below) if below else self.log_dir
            made = _EventFile(folder, self.filename_suffix, self.max_queue, self.flush_secs, self._tb.masked_crc32c)
            made.add(self._tb.Event(file_version="brain.Event:2"))
            if self.purge_step is not None and not below:
                start = self._tb.SessionLog(status=self._tb.SessionLog.START)
                made.add(self._tb.Event(session_log=start), self.purge_step)
                self.purge_step = None
            self._files[below] = made
        return self._files[below]

    def _add(self, summary: Any, step: Any, walltime: float | None, tag: str | None = None, below: str = "") -> None:
        """Write a summary, under this very tag."""
        if tag is not None:
            summary.value[0].tag = tag
        self._file(below).add(self._tb.Event(summary=summary), step, walltime)

    def _value(self, tag: str, **value: Any) -> Any:
        return self._tb.Summary(value=[self._tb.Summary.Value(tag=tag, **value)])

    # numbers

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number. new_style: as a tensor, which TensorBoard loads faster; then double_precision keeps float64."""
        value = _number("add_scalar", tag, scalar_value)
        if not new_style:
            return self._add(self._value(tag, simple_value=value), global_step, walltime)
        kept: dict[str, Any] = {"dtype": "DT_FLOAT", "float_val": [value]}
        if double_precision:
            kept = {"dtype": "DT_DOUBLE", "double_val": [value]}
        shown_by = self._tb.SummaryMetadata.PluginData(plugin_name="scalars")
        metadata = self._tb.SummaryMetadata(plugin_data=shown_by)
        return self._add(
            self._value(tag, tensor=self._tb.TensorProto(**kept), metadata=metadata), global_step, walltime
        )

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Several numbers in one picture: each is a run of its own, in a folder below."""
        numbers = {tag: _number("add_scalars", tag, value) for tag, value in tag_scalar_dict.items()}
        for tag, value in numbers.items():
            below = f"{main_tag.replace('/', '_')}_{tag}"
            self._add(self._value(main_tag, simple_value=value), global_step, walltime, below=below)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How often which values are there; those that are not finite are left out.

        bins: "tensorflow", a number, edges, or a word of numpy.histogram. ValueError where nothing is left.
        """
        flat = _array(values).astype(np.float64).ravel()
        finite = flat[np.isfinite(flat)]
        if not finite.size:
            raise ValueError(f"add_histogram: {tag!r} has no finite value among {flat.size}")
        edges = BINS if isinstance(bins, str) and bins == "tensorflow" else bins
        histogram = self._tb.summary.make_histogram(finite, edges, max_bins)
        self._add(self._value(tag, histo=histogram), global_step, walltime)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: int,
        sum: float,
        sum_squares: float,
        bucket_limits: Sequence[float],
        bucket_counts: Sequence[float],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """A histogram that is already counted: the upper edge of each bucket, and how many are in it."""
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError(
                f"add_histogram_raw: {len(bucket_limits)} bucket_limits do not fit {len(bucket_counts)} bucket_counts"
            )
        told = self._tb.summary.histogram_raw(
            tag, min, max, num, sum, sum_squares, list(bucket_limits), list(bucket_counts)
        )
        self._add(told, global_step, walltime, tag)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: Any = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Precision over recall of predictions 0 to 1 (N,) of labels 0 or 1 (N,), at so many thresholds."""
        weights = None if weights is None else _array(weights)
        given = (_array(labels), _array(predictions), num_thresholds, weights)
        self._add(self._tb.summary.pr_curve(tag, *given), global_step, walltime, tag)

    # pictures

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """A picture: uint8, or numbers from 0 to 1, of 1, 3 or 4 channels. dataformats: CHW, HWC, HW, NCHW ..."""
        pixels = _pixels("add_image", _array(img_tensor), dataformats)
        height, width, channels = pixels.shape
        image = self._tb.Summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=png(pixels)
        )
        self._add(self._value(tag, image=image), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Pictures of one size as one, eight in a row."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(
        self, tag: str, figure: Any, global_step: Any = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """A figure of Matplotlib, or a list of figures of one size; they are closed, unless close is False."""
        figures = figure if isinstance(figure, list) else [figure]
        drawn = np.stack([_drawn(each) for each in figures])  # (N, H, W, 3)
        many = isinstance(figure, list)
        self.add_image(tag, drawn if many else drawn[0], global_step, walltime, "NHWC" if many else "HWC")
        if close:
            from matplotlib import pyplot

            for each in figures:
                pyplot.close(each)

    def add_graph(
        self, model: Module, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """The graph of what a model computes from an input, or from several in a tuple: modules, ops, shapes.

        The model runs once, in evaluation mode. verbose: print the graph, too. use_strict_trace changes nothing here.
        """
        if input_to_model is None:
            raise ValueError("add_graph: input_to_model is missing; give an input of the model, or a tuple of them")
        inputs = input_to_model if isinstance(input_to_model, tuple | list) else (input_to_model,)
        modes = [(module, module.training) for module in model.modules()]
        try:
            model.eval()
            with enable_grad():
                document = viz.snapshot(model(*inputs), model)
        finally:
            for module, mode in modes:
                module.training = mode
        if verbose:
            print(viz.text(document))
        self._file().add(self._tb.Event(graph_def=_graph(self._tb, document).SerializeToString()))

    def add_embedding(
        self,
        mat: Any,
        metadata: Sequence | None = None,
        label_img: Any = None,
        global_step: Any = None,
        tag: str = "default",
        metadata_header: Sequence[str] | None = None,
    ) -> None:
        """Points (N, D) for the projector, with a label for each, or several under a header, and pictures (N, C, H, W).

        They are text files in the folder, which `projector_config.pbtxt` lists.
        """
        pictures = None
        if label_img is not None:
            pictures = np.stack([_pixels("add_embedding", picture, "CHW") for picture in _array(label_img)])
        write_points(self.log_dir, _array(mat), metadata, metadata_header, pictures, global_step, tag)

    # words and settings

    def add_text(self, tag: str, text_string: str, global_step: Any = None, walltime: float | None = None) -> None:
        """A text, which TensorBoard reads as Markdown."""
        self._add(self._tb.summary.text(tag, text_string), global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, list] | None = None,
        run_name: str | None = None,
        global_step: Any = None,
    ) -> None:
        """The settings of a run and what came of them, to be compared with those of other runs.

        hparam_dict: numbers, strings, bools. metric_dict: numbers. hparam_domain_discrete: which values a setting may
        have. run_name: the folder below in which they are written, by default the time.
        """
        for name, given in (("hparam_dict", hparam_dict), ("metric_dict", metric_dict)):
            if not isinstance(given, Mapping):
                raise TypeError(f"add_hparams: {name} should be a dictionary, got a {type(given).__name__}")
        settings = {name: _setting(name, value) for name, value in hparam_dict.items() if value is not None}
        metrics = {k: _number("add_hparams", k, v) for k, v in metric_dict.items()}
        experiment, *others = self._tb.summary.hparams(settings, metrics)
        _allow(self._tb, experiment, hparam_domain_discrete or {}, settings)
        below = str(time.time()) if run_name is None else run_name
        for told in (experiment, *others):
            self._add(told, None, None, below=below)
        for tag, value in metrics.items():
            self._add(self._value(tag, simple_value=value), global_step, None, below=below)

    def add_custom_scalars(self, layout: Mapping[str, Mapping[str, Sequence]]) -> None:
        """Which tags stand in one picture: {category: {title: ["Multiline" or "Margin", [tag, ...]]}}."""
        self._add(self._tb.summary.custom_scalars(layout), None, None)

    def add_custom_scalars_multilinechart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """These tags in one picture."""
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """The first of three tags between the two others."""
        if len(tags) != 3:
            raise ValueError(f"add_custom_scalars_marginchart: expected 3 tags, got {len(tags)}")
        self.add_custom_scalars({category: {title: ["Margin", tags]}})

    # the end

    def flush(self) -> None:
        """Bring all that was added to the disk."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """Flush, and close the files."""
        self.flush()
        for file in self._files.values():
            file.file.close()
        self._files.clear()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


def _array(values: Any) -> np.ndarray:
    return as_array(values) if isinstance(values, Tensor) else np.asarray(values)


def _number(method: str, tag: str, value: Any) -> float:
    array = _array(value)
    if array.size != 1:
        raise ValueError(f"{method}: {tag!r} takes one number, got shape {array.shape}")
    return float(array.reshape(()))


def _pixels(method: str, array: np.ndarray, dataformats: str) -> np.ndarray:
    """Numbers in this order of axes as bytes (H, W, 3 or 4)."""
    axes = dataformats.upper()
    if len(axes) != array.ndim or len(set(axes)) != len(axes) or "".join(sorted(axes)) not in ("HW", "CHW", "CHNW"):
        raise ValueError(
            f"{method}: dataformats {dataformats!r} does not fit an array of shape {array.shape}; "
            "it names each of its axes, as in CHW, HWC, HW or NCHW"
        )
    order = [axes.index(a) for a in "NHWC" if a in axes]
    array = array.transpose(order).reshape(*(array.shape[i] for i in order), *(() if "C" in axes else (1,)))
    if array.shape[-1] not in (1, 3, 4) or not array.size:
        raise ValueError(f"{method}: a picture has 1, 3 or 4 channels, got {array.shape[-1]} of {dataformats} there")
    if array.dtype != np.uint8:
        array = (np.nan_to_num(array.astype(np.float32)) * 255).clip(0, 255).astype(np.uint8)
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, -1)
    return _in_rows(array) if "N" in axes else array


def _in_rows(pictures: np.ndarray, columns: int = 8) -> np.ndarray:
    """Pictures side by side.        (N, H, W, C) -> (rows·H, columns·W, C)"""
    n, h, w, c = pictures.shape
    columns = min(n, columns)
    rows = -(-n // columns)
    sheet = np.zeros((rows * columns, h, w, c), pictures.dtype)
    sheet[:n] = pictures
    return sheet.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)


def _drawn(figure: Any) -> np.ndarray:
    """A figure's pixels.        (H, W, 3)"""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _graph(tb: SimpleNamespace, document: dict[str, Any]) -> Any:
    """A graph of `viz` as TensorFlow's message: modules are scopes, so that TensorBoard folds them."""

    def path(name: str) -> str:
        return name.replace(".", "/")

    nodes = []
    for node in document["nodes"]:
        shape = tb.TensorShapeProto(dim=[tb.TensorShapeProto.Dim(size=size) for size in node["shape"]])
        told = {key: tb.AttrValue(s=str(value).encode()) for key, value in node["attributes"].items()}
        told["_output_shapes"] = tb.AttrValue(list=tb.AttrValue.ListValue(shape=[shape]))
        sources = [path(edge["from"]) for edge in node["inputs"] if edge.get("from")]
        kind = node["op"] if node["kind"] == "op" else node["kind"]
        nodes.append(tb.NodeDef(name=path(node["id"]), op=kind, input=sources, attr=told))
    return tb.GraphDef(node=nodes, versions=tb.VersionDef(producer=22))


def _setting(name: str, value: Any) -> str | bool | float:
    if isinstance(value, str | bool):
        return value
    if not isinstance(value, Tensor | int | float | np.generic | np.ndarray):
        raise ValueError(f"add_hparams: {name!r} is a {type(value).__name__}; settings are numbers, strings and bools")
    return _number("add_hparams", name, value)


def _allow(tb: SimpleNamespace, experiment: Any, domains: Mapping[str, list], settings: Mapping[str, Any]) -> None:
    """Write into the message of an experiment which values its settings may have."""
    for name, values in domains.items():
        kind = type(settings.get(name))
        fits = (int, float) if kind is float else kind
        if not isinstance(values, list) or not all(isinstance(value, fits) for value in values):
            raise TypeError(f"add_hparams: hparam_domain_discrete[{name!r}] should be a list of values of this setting")
    shown_by = experiment.value[0].metadata.plugin_data
    told = tb.HParamsPluginData.FromString(shown_by.content)
    for info in told.experiment.hparam_infos:
        for value in domains.get(info.name, ()):
            field = "string" if isinstance(value, str) else "bool" if isinstance(value, bool) else "number"
            info.domain_discrete.values.add(**{f"{field}_value": value})
    shown_by.content = told.SerializeToString()
