"""What a long or an unusual run relies on: memory that stays, threads, forks, copies, deep nesting."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import pickle
import resource
import sys
import threading
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn, optim
from tinygrad_cnn.nn import functional as F


def network(seed=0):
    tg.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 4)
    )  # fmt: skip


def batch(seed):
    draw = np.random.RandomState(seed)
    images = tg.from_numpy(draw.randn(5, 1, 8, 8).astype(np.float32))
    return images, tg.from_numpy(draw.randint(0, 4, 5))


def train(model, seed, steps, make=optim.Adam):
    """The losses of some steps on batches that depend on the seed alone."""
    optimizer = make(model.parameters(), lr=0.01)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        images, classes = batch(seed + step)
        loss = F.cross_entropy(model(images), classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def held():
    """Megabytes that this process holds at its peak."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


@pytest.mark.slow
def test_four_thousand_steps_keep_nothing_without_the_garbage_collector():
    w = tg.randn(64, 64, requires_grad=True)
    x = tg.randn(8, 64)
    optimizer = optim.SGD([w], lr=1e-3, momentum=0.9)

    def steps(n):
        for _ in range(n):
            optimizer.zero_grad()
            y = (x @ w).relu() * 2
            y[:, 0] = 0
            with tg.no_grad():
                y.sum()
            ((y - 1) ** 2).mean().backward()
            optimizer.step()

    gc.collect()
    gc.disable()
    try:
        steps(500)
        objects, memory = len(gc.get_objects()), held()
        steps(4_000)
        assert len(gc.get_objects()) - objects < 200
        assert held() - memory < 4
    finally:
        gc.enable()


def test_a_network_keeps_nothing_without_the_garbage_collector():
    model = network()
    gc.collect()
    gc.disable()
    try:
        train(model, 0, 20)
        objects = len(gc.get_objects())
        train(model, 0, 60)
        assert len(gc.get_objects()) - objects < 200
    finally:
        gc.enable()


def test_a_failed_step_keeps_nothing():
    model = network()
    gc.collect()
    objects = len(gc.get_objects())
    for _ in range(50):
        with pytest.raises(RuntimeError):
            model(tg.zeros(5, 2, 8, 8))
        with pytest.raises(RuntimeError):
            model(tg.zeros(5, 1, 8, 8)).backward()
    gc.collect()
    assert len(gc.get_objects()) - objects < 500


def test_two_threads_train_as_if_alone():
    alone = [train(network(seed), seed, 20) for seed in (1, 2)]
    models = [network(seed) for seed in (1, 2)]
    together = [None, None]

    def work(i):
        together[i] = train(models[i], i + 1, 20)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_no_grad_is_of_its_thread():
    seen = []
    with tg.no_grad():
        thread = threading.Thread(target=lambda: seen.append((tg.ones(1, requires_grad=True) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def _in_a_child(queue, model):
    queue.put((train(model, 3, 5), float(tg.rand(1).item())))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_fork_in_the_middle():
    model = network()
    train(model, 0, 3)
    expected = train(copy.deepcopy(model), 3, 5)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_in_a_child, args=(queue, model))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's, of forks beside threads
        child.start()
    losses, _ = queue.get()
    child.join(60)
    assert child.exitcode == 0
    assert losses == expected
    assert train(model, 3, 5) == expected


OPTIMIZERS = [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad, optim.Adadelta]


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("make", OPTIMIZERS, ids=lambda o: o.__name__)
def test_a_copy_goes_on_as_the_original(twin, make):
    model = network()
    optimizer = make(model.parameters(), lr=0.01)

    def step(model, optimizer, seed):
        images, classes = batch(seed)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), classes)
        loss.backward()
        optimizer.step()
        return loss.item()

    step(model, optimizer, 0)
    other, its = twin((model, optimizer))
    assert its.param_groups[0]["params"][0] is next(other.parameters())
    assert [step(model, optimizer, s) for s in (1, 2)] == [step(other, its, s) for s in (1, 2)]
    assert repr(other) == repr(model)


def test_a_copy_shares_nothing():
    model = network()
    other = copy.deepcopy(model)
    before = {k: v.tolist() for k, v in model.state_dict().items()}
    train(other, 0, 2)
    assert {k: v.tolist() for k, v in model.state_dict().items()} == before


def test_tied_weights_stay_tied():
    model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
    model["b"].weight = model["a"].weight
    assert len(list(model.parameters())) == 3
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other["b"].weight is other["a"].weight
        assert other["a"].weight is not model["a"].weight


def test_modules_nested_deeper_than_python_calls_itself():
    model = nn.Identity()
    for _ in range(200):
        model = nn.Sequential(model)
    assert model(tg.ones(1)).item() == 1
    assert len(list(model.modules())) == 201
    x = tg.ones(1, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * 1.0001
    y.backward()
    assert x.grad.item() == pytest.approx(1.0001**20_000, rel=1e-3)


def test_a_step_that_is_interrupted_leaves_the_modes_as_they_were():
    def broken(g):
        raise KeyboardInterrupt

    x = tg.ones(2, requires_grad=True)
    y = x * 2
    y.register_hook(broken)
    with pytest.raises(KeyboardInterrupt):
        y.sum().backward()
    assert tg.is_grad_enabled()
    assert x.grad is None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("shape", [(1 << 40,), (1 << 62, 4)])
def test_huge_sizes_are_refused(shape):
    for make in (tg.zeros, tg.empty, tg.randn):
        with pytest.raises((RuntimeError, MemoryError, ValueError)):
            make(*shape)
