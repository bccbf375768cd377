"""Event files: what is in them, byte by byte and message by message, and when it is there."""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.utils.tensorboard import SummaryWriter
from tinygrad_cnn.viz.pixels import png

event_pb2 = pytest.importorskip("tensorboardX").proto.event_pb2


def crc32c(data):
    """Castagnoli's checksum, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path, check=True):
    """The events of a file: each is its length, a checksum of that, the bytes, a checksum of them."""
    blob, found = Path(path).read_bytes(), []
    while blob:
        (length,) = struct.unpack("<Q", blob[:8])
        data = blob[12 : 12 + length]
        if check:
            sums = struct.unpack("<II", blob[8:12] + blob[12 + length : 16 + length])
            assert sums == (masked(blob[:8]), masked(data))
        found.append(event_pb2.Event.FromString(data))
        blob = blob[16 + length :]
    return found


def files(folder):
    return sorted(Path(folder).rglob("events.out.tfevents.*"))


def told(folder, check=True):
    """[(step, value)] of the summaries in the one file of a folder."""
    (path,) = files(folder)
    version, *events = records(path, check)
    assert version.file_version == "brain.Event:2"
    return [(e.step, e.summary.value[0]) for e in events]


def test_the_checksum_is_the_one_of_the_format():
    assert crc32c(b"123456789") == 0xE3069283


def test_numbers(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss (training)/a", tg.tensor([0.25], requires_grad=True) * 2, 3, walltime=12.5)
        writer.add_scalar("step", np.float64(2), tg.tensor(4))
        writer.add_scalar("no step", 1)
        writer.add_scalar("nan", float("nan"), 1)
        writer.add_scalar("new", 1 / 3, 1, new_style=True)
        writer.add_scalar("precise", 1 / 3, 1, new_style=True, double_precision=True)
        assert writer.get_logdir() == writer.log_dir == str(tmp_path)
    (path,) = files(tmp_path)
    events = records(path)[1:]
    assert [e.wall_time for e in events[:1]] == [12.5]
    values = [(e.step, e.summary.value[0].tag, e.summary.value[0].simple_value) for e in events[:3]]
    assert values == [(3, "loss (training)/a", 0.5), (4, "step", 2.0), (0, "no step", 1.0)]
    assert np.isnan(events[3].summary.value[0].simple_value)
    tensors = [e.summary.value[0].tensor for e in events[4:]]
    assert [list(t.float_val) + list(t.double_val) for t in tensors] == [[np.float32(1 / 3)], [1 / 3]]
    assert events[4].summary.value[0].metadata.plugin_data.plugin_name == "scalars"


def test_several_numbers_are_runs_of_their_own(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step in range(2):
            writer.add_scalars("loss/all", {"train": step, "test": tg.tensor(step + 0.5)}, step)
    for name, expected in [("train", [0, 1]), ("test", [0.5, 1.5])]:
        found = told(tmp_path / f"loss_all_{name}")
        assert [(step, value.tag, value.simple_value) for step, value in found] == [
            (step, "loss/all", number) for step, number in enumerate(expected)
        ]


@pytest.mark.parametrize("bins", ["tensorflow", 8, "auto", [-4.0, 0.0, 4.0]])
def test_histograms(tmp_path, bins):
    x = np.random.default_rng(0).uniform(-1, 3, (5, 40))
    x[0, :3] = np.nan, np.inf, -np.inf
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("x", tg.tensor(x), 1, bins)
    ((step, value),) = told(tmp_path)
    histogram, finite = value.histo, np.sort(x[np.isfinite(x)])
    assert (step, value.tag, histogram.num, sum(histogram.bucket)) == (1, "x", 197, 197)
    np.testing.assert_allclose([histogram.min, histogram.max, histogram.sum, histogram.sum_squares],
                               [finite[0], finite[-1], finite.sum(), (finite**2).sum()])  # fmt: skip
    np.testing.assert_array_equal(  # a bucket holds what is below its limit; the last one its limit, too
        np.cumsum(histogram.bucket)[:-1], np.searchsorted(finite, histogram.bucket_limit)[:-1]
    )


def test_a_histogram_that_is_counted(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram_raw("x y", 0, 2, 3, 4, 6, np.array([1.0, 2.0]), [1, 2])
    ((_, value),) = told(tmp_path)
    assert (value.tag, list(value.histo.bucket_limit), list(value.histo.bucket)) == ("x y", [1, 2], [1, 2])


RGB = np.random.default_rng(1).uniform(-0.1, 1.1, (3, 4, 5)).astype(np.float32)  # (C, H, W)
BYTES = (RGB * np.float32(255)).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)  # (H, W, C)
GREY = np.repeat(BYTES[..., :1], 3, -1)


@pytest.mark.parametrize(
    ("image", "dataformats", "expected"),
    [
        (RGB, "CHW", BYTES),
        (RGB.transpose(1, 2, 0), "hwc", BYTES),
        (RGB[:1], "CHW", GREY),
        (RGB[0], "HW", GREY),
        (RGB[0].T, "WH", GREY),
        (BYTES, "HWC", BYTES),
        (np.stack([RGB, RGB]), "NCHW", np.concatenate([BYTES, BYTES], 1)),
        (np.stack([RGB[..., :1]] * 9, -1), "CHWN", np.concatenate([
            np.concatenate([BYTES[:, :1]] * 8, 1), np.pad(BYTES[:, :1], ((0, 0), (0, 7), (0, 0)))])),
        (np.concatenate([RGB, RGB[:1]]), "CHW", np.concatenate([BYTES, BYTES[..., :1]], -1)),
        (RGB > 0.5, "CHW", 255 * (RGB > 0.5).transpose(1, 2, 0).astype(np.uint8)),
    ],
)  # fmt: skip
def test_pictures(tmp_path, image, dataformats, expected):
    with SummaryWriter(tmp_path) as writer:
        (writer.add_images if "N" in dataformats else writer.add_image)(
            "i", tg.tensor(image) if image.dtype != bool else image, 0, dataformats=dataformats
        )
    ((_, value),) = told(tmp_path)
    told_size = (value.image.height, value.image.width, value.image.colorspace)
    assert (told_size, value.image.encoded_image_string) == (expected.shape, png(expected))


def test_figures(tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before = pyplot.get_fignums()
    figures = [pyplot.figure(figsize=(1, 0.5), dpi=40) for _ in range(3)]
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("one", figures[0], close=False)
        writer.add_figure("three", figures)
    sizes = [(value.image.height, value.image.width) for _, value in told(tmp_path, check=False)]
    assert sizes == [(20, 40), (20, 120)]
    assert pyplot.get_fignums() == before


def test_words_and_settings(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "*ä*", 2)
        writer.add_custom_scalars_multilinechart(["a", "b"], title="both")
        writer.add_custom_scalars_marginchart(["a", "b", "c"])
        writer.add_pr_curve("pr", tg.tensor([0, 1, 1]), tg.tensor([0.2, 0.4, 0.9]), 1, num_thresholds=3)
        settings = {"lr": tg.tensor(0.5), "n": 3, "name": "x", "on": True, "none": None}
        writer.add_hparams(settings, {"acc": tg.tensor(0.75)}, {"n": [3, 4], "name": ["x", "y"]}, "run", 7)
    text, *charts, curve = (e.summary.value[0] for e in records(files(tmp_path)[0])[1:])
    assert (text.tag, text.tensor.string_val[0].decode()) == ("note/text_summary", "*ä*")
    assert [c.tag for c in charts] == ["custom_scalars__config__"] * 2
    assert b"both" in charts[0].tensor.string_val[0]
    np.testing.assert_allclose(np.reshape(curve.tensor.float_val, (6, 3))[:2], [[2, 1, 0], [1, 0, 0]])
    experiment, start, _, metric = (value for _, value in told(tmp_path / "run"))
    assert (metric.tag, metric.simple_value) == ("acc", 0.75)
    read = pytest.importorskip("tensorboardX").proto.plugin_hparams_pb2.HParamsPluginData.FromString
    fields = read(start.metadata.plugin_data.content).session_start_info.hparams
    assert {name: fields[name].WhichOneof("kind") for name in fields} == {
        "lr": "number_value", "n": "number_value", "name": "string_value", "on": "bool_value",
    }  # fmt: skip
    infos = {i.name: i.domain_discrete for i in read(experiment.metadata.plugin_data.content).experiment.hparam_infos}
    assert [v.number_value for v in infos["n"].values] == [3, 4]
    assert [v.string_value for v in infos["name"].values] == ["x", "y"]


def test_the_graph_of_a_model(tmp_path, capsys):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(8, 2))
    net[1].eval()
    before = [module.training for module in net.modules()], net[1].num_batches_tracked.item()
    with SummaryWriter(tmp_path) as writer, tg.no_grad():
        writer.add_graph(net, tg.randn(2, 1, 4, 4), verbose=True)
    assert ([module.training for module in net.modules()], net[1].num_batches_tracked.item()) == before
    assert "conv2d" in capsys.readouterr().out
    (path,) = files(tmp_path)
    from tensorboardX.proto.graph_pb2 import GraphDef

    nodes = {node.name: node for node in GraphDef.FromString(records(path, check=False)[1].graph_def).node}
    assert list(nodes["0/conv2d"].input) == ["input", "0/weight", "0/bias"]
    assert nodes["0/conv2d"].op == "conv2d"
    assert [d.size for d in nodes["0/conv2d"].attr["_output_shapes"].list.shape[0].dim] == [2, 2, 2, 2]
    assert nodes["5/weight"].op == "parameter"
    assert {source for node in nodes.values() for source in node.input} <= nodes.keys()


# when it is there


def test_events_wait_until_there_are_enough_or_it_is_asked_for(tmp_path):
    writer = SummaryWriter(tmp_path, max_queue=3)
    (path,) = files(tmp_path)
    writer.add_scalar("x", 0, 0)
    assert len(records(path)) == 0
    writer.flush()
    assert len(records(path)) == 2
    for step in range(1, 4):
        writer.add_scalar("x", step, step)
    assert len(records(path)) == 5
    writer.add_scalar("x", 4, 4)
    assert len(records(path)) == 5
    del writer
    assert len(records(path)) == 6


def test_nothing_waits_longer_than_flush_secs(tmp_path):
    writer = SummaryWriter(tmp_path, flush_secs=0)
    (path,) = files(tmp_path)
    writer.add_scalar("x", 1)
    assert len(records(path)) == 2
    writer.close()


def test_a_closed_writer_begins_a_new_file_and_purges_once(tmp_path):
    writer = SummaryWriter(tmp_path, purge_step=5, filename_suffix=".v2")
    writer.add_scalar("x", 1, 5)
    writer.close()
    writer.close()
    writer.add_scalar("x", 2, 6)
    writer.close()
    first, second = (records(path) for path in sorted(files(tmp_path), key=lambda path: path.stat().st_mtime_ns))
    assert [(e.WhichOneof("what"), e.step) for e in first] == [("file_version", 0), ("session_log", 5), ("summary", 5)]
    assert [e.WhichOneof("what") for e in second] == ["file_version", "summary"]
    assert all(path.suffix == ".v2" for path in files(tmp_path))


def test_the_folder_has_a_name_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SummaryWriter(comment="_lr=0.1").close()
    (folder,) = os.listdir("runs")
    assert folder.endswith("_lr=0.1")
    assert len(files("runs")) == 1


def test_no_graph_is_kept(tmp_path):
    x = tg.ones(2, requires_grad=True)
    with SummaryWriter(tmp_path) as writer:
        loss = (x * x).sum()
        writer.add_scalar("x", loss)
        writer.add_histogram("x", x * 2)
    assert json.dumps([value.tag for _, value in told(tmp_path)]) == '["x", "x"]'


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w: w.add_scalar("x", tg.ones(2)), ValueError, r"add_scalar: 'x' takes one number, got shape \(2,\)"),
        (lambda w: w.add_scalars("x", {"a": 1, "b": [1, 2]}), ValueError, "add_scalars: 'b' takes one number"),
        (lambda w: w.add_histogram("x", [np.nan]), ValueError, "'x' has no finite value among 1"),
        (lambda w: w.add_histogram("x", []), ValueError, "'x' has no finite value among 0"),
        (lambda w: w.add_histogram_raw("x", 0, 1, 1, 1, 1, [1], [1, 2]), ValueError, "1 bucket_limits do not fit 2"),
        (lambda w: w.add_image("x", RGB, dataformats="HW"), ValueError, r"'HW' does not fit .* shape \(3, 4, 5\)"),
        (lambda w: w.add_image("x", RGB[0], dataformats="HH"), ValueError, "'HH' does not fit"),
        (lambda w: w.add_image("x", RGB[:2]), ValueError, "1, 3 or 4 channels, got 2"),
        (lambda w: w.add_graph(nn.Linear(1, 1)), ValueError, "input_to_model is missing"),
        (lambda w: w.add_hparams([], {}), TypeError, "hparam_dict should be a dictionary, got a list"),
        (lambda w: w.add_hparams({"x": []}, {}), ValueError, "'x' is a list; settings are numbers"),
        (lambda w: w.add_hparams({"x": 1}, {}, {"x": ["a"]}), TypeError, r"hparam_domain_discrete\['x'\]"),
        (lambda w: w.add_hparams({"x": 1}, {}, {"y": [1]}), TypeError, r"hparam_domain_discrete\['y'\]"),
        (lambda w: w.add_custom_scalars_marginchart(["a"]), ValueError, "expected 3 tags, got 1"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_writes_nothing(tmp_path, call, error, message):
    with SummaryWriter(tmp_path) as writer, pytest.raises(error, match=message):
        call(writer)
    assert len(files(tmp_path)) == 1
    assert told(tmp_path) == []


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install \"tinygrad_cnn\[log\]\""):
        SummaryWriter(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_it(tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", 1 / (1 + step), step)
        writer.add_image("picture", RGB, 3)
    (path,) = files(tmp_path)
    _, *events = loader.LegacyEventFileLoader(str(path)).Load()
    assert [(e.step, e.summary.value[0].tag) for e in events] == [(i, "loss") for i in range(3)] + [(3, "picture")]


def test_points_for_the_projector(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        points, pictures = tg.arange(6.0).reshape(3, 2), tg.zeros(3, 1, 4, 5)
        writer.add_embedding(points, ["a", "b c", "d\te"], pictures, 2, "x")
        writer.add_embedding(points.numpy(), [["a", 1], ["b", 2], ["c", 3]], metadata_header=["name", "number"])
        for labels, pictures in ((["a"], None), (None, tg.zeros(2, 3, 4, 5))):
            with pytest.raises(ValueError, match="rows, mat has 3"):
                writer.add_embedding(points, labels, pictures)
    listed = (tmp_path / "projector_config.pbtxt").read_text()
    assert listed.count("embeddings {") == 2
    assert "single_image_dim: 5\n    single_image_dim: 4" in listed
    assert (tmp_path / "00002/x/metadata.tsv").read_text() == "a\nb c\nd e\n"
    assert (tmp_path / "00000/default/metadata.tsv").read_text() == "name\tnumber\na\t1\nb\t2\nc\t3\n"
    assert (tmp_path / "00000/default/tensors.tsv").read_text() == "0.0\t1.0\n2.0\t3.0\n4.0\t5.0\n"
    assert (tmp_path / "00002/x/sprite.png").read_bytes()[16:24] == struct.pack(">II", 10, 10)
