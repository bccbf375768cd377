"""Recurrent layers and cells beside PyTorch's: parameters, outputs, gradients, and packed sequences."""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
from layers import weighed

import tinygrad_cnn as tg
from tinygrad_cnn import nn

STEPS = np.random.default_rng(3).normal(size=(4, 3, 2))  # (T, B, I)
LENGTHS = [2, 4, 1]

# How a layer is made, what it reads, and whether it is given states.
LAYERS = [
    (lambda nn: nn.RNN(2, 3), STEPS, False),
    (lambda nn: nn.RNN(2, 3, 2, "relu", False, True), STEPS, True),
    (lambda nn: nn.RNN(2, 3, bidirectional=True), STEPS[:, 0], True),
    (lambda nn: nn.LSTM(2, 3), STEPS, True),
    (lambda nn: nn.LSTM(2, 3, 2, batch_first=True, bidirectional=True), STEPS, False),
    (lambda nn: nn.LSTM(2, 3, 2, bias=False, bidirectional=True, proj_size=2), STEPS, True),
    (lambda nn: nn.LSTM(2, 3, batch_first=True), STEPS[:, 0], False),
    (lambda nn: nn.GRU(2, 3), STEPS, False),
    (lambda nn: nn.GRU(2, 3, 2, bias=False, batch_first=True, bidirectional=True), STEPS, True),
    (lambda nn: nn.GRU(2, 3, num_layers=2), STEPS[:, 0], True),
    (lambda nn: nn.RNNCell(2, 3), STEPS[0], False),
    (lambda nn: nn.RNNCell(2, 3, bias=False, nonlinearity="relu"), STEPS[0], True),
    (lambda nn: nn.LSTMCell(2, 3), STEPS[0], True),
    (lambda nn: nn.LSTMCell(2, 3, bias=False), STEPS[0, 0], False),
    (lambda nn: nn.GRUCell(2, 3), STEPS[0, 0], True),
]
NAMES = [repr(make(nn)) for make, *_ in LAYERS]
every_layer = pytest.mark.parametrize(("make", "x", "with_states"), LAYERS, ids=NAMES)


def states(m, layer, x, with_states):
    """What an LSTM is given is a pair of what others are given; drawn so that any layer may have it."""
    if not with_states:
        return ()
    rng, is_cell = np.random.default_rng(2), not isinstance(layer, m.nn.RNNBase)
    batch = x.shape[:-1] if is_cell else x.shape[:-2] and (x.shape[0 if layer.batch_first else 1],)
    first = () if is_cell else (layer.num_layers * (1 + layer.bidirectional),)
    sizes = [getattr(layer, "proj_size", 0) or layer.hidden_size, layer.hidden_size]
    h, c = (m.tensor(rng.normal(size=(*first, *batch, n))).requires_grad_() for n in sizes)
    return ((h, c),) if "LSTM" in type(layer).__name__ else (h,)


def flat(out):
    return [out] if hasattr(out, "backward") else [t for part in out for t in flat(part)]


def run(m, make, x, with_states, lengths=None):
    """Repr, names, shapes, results and all gradients."""
    layer = weighed(make(m.nn).double())
    args = [m.tensor(x).requires_grad_(), *states(m, layer, x, with_states)]
    read = args[0]
    if lengths is not None:
        packing = dict(batch_first=layer.batch_first, enforce_sorted=False)
        read = m.nn.utils.rnn.pack_padded_sequence(read, lengths, **packing)
    out, *last = layer(read, *args[1:]) if isinstance(layer, m.nn.RNNBase | m.nn.LSTMCell) else [layer(*args)]
    if lengths is not None:
        out = m.nn.utils.rnn.pad_packed_sequence(out, layer.batch_first, padding_value=9.0)
    outs = [t for t in flat((out, last)) if t.requires_grad]
    wanted = [*flat(args), *layer.parameters()]
    grads = m.autograd.grad(sum((t * t).sum() for t in outs), wanted, allow_unused=True)
    return [repr(layer), [(k, tuple(v.shape)) for k, v in layer.state_dict().items()], outs, list(grads)]


@every_layer
def test_is_pytorchs(pytorch, make, x, with_states):
    pytorch.agrees(lambda m: run(m, make, x, with_states), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("make", "x", "with_states"), [row for row in LAYERS[:10] if row[1].ndim == 3])
def test_packed_is_pytorchs(pytorch, make, x, with_states):
    def packed(m):
        first = make(m.nn).batch_first
        return run(m, make, x.swapaxes(0, 1) if first else x, with_states, LENGTHS)

    pytorch.agrees(packed, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["RNNBase", "RNN", "LSTM", "GRU", "RNNCellBase", "RNNCell", "LSTMCell", "GRUCell"])
def test_constructors_are_pytorchs(pytorch, name):
    parameters = lambda m: inspect.signature(getattr(m.nn, name)).parameters
    pytorch.agrees(lambda m: [(n, repr(p.default)) for n, p in parameters(m).items()])


def test_a_layer_is_the_loop_over_its_cell():
    layer, cell = nn.LSTM(2, 3), nn.LSTMCell(2, 3)
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in layer.state_dict().items()})
    x, state = tg.tensor(STEPS).float(), None
    for step in x:
        state = cell(step, state)
    out, (h, c) = layer(x)
    for mine, theirs in ((out[-1], h[0]), (state[0], h[0]), (state[1], c[0])):
        assert tg.allclose(mine, theirs)


def test_initial_values_are_uniform_within_one_over_the_root_of_hidden_size():
    for layer in (nn.GRU(9, 100, bidirectional=True), nn.LSTM(9, 100, proj_size=20), nn.RNNCell(3, 100)):
        for p in layer.parameters():
            assert 0.09 < p.abs().max().item() <= 0.1


def test_weights_by_layer():
    layer = nn.GRU(2, 3, num_layers=2)
    assert [[p.shape for p in weights] for weights in layer.all_weights] == [
        [(9, 2), (9, 3), (9,), (9,)],
        [(9, 3), (9, 3), (9,), (9,)],
    ]
    assert layer.flatten_parameters() is None


def test_dropout_is_between_layers_in_training_alone():
    layer, x = nn.RNN(2, 3, num_layers=2, dropout=1.0), tg.ones(4, 1, 2)
    zeros = nn.RNN(3, 3)
    zeros.load_state_dict({name.replace("l1", "l0"): p for name, p in layer.state_dict().items() if "l1" in name})
    assert tg.equal(layer(x)[0], zeros(tg.zeros(4, 1, 3))[0])
    assert not tg.equal(layer.eval()(x)[0], zeros(tg.zeros(4, 1, 3))[0])


def test_a_result_may_be_changed_in_place():
    x = tg.tensor(STEPS, requires_grad=True)
    for make in (nn.RNN, nn.LSTM, nn.GRU):
        layer = make(2, 3).double()
        expected = tg.autograd.grad((layer(x)[0] * 2).sum(), x)[0]
        out = layer(x)[0]
        out *= 2
        assert tg.allclose(tg.autograd.grad(out.sum(), x)[0], expected)


def test_copies_and_pickles():
    layer, x = nn.LSTM(2, 3), tg.tensor(STEPS).float()
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert tg.equal(twin(x)[0], layer(x)[0])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m: m.nn.RNN(2, 3, nonlinearity="sin"),
        lambda m: m.nn.GRU(2, 3, proj_size=1),
        lambda m: m.nn.LSTM(2, 3, proj_size=3),
        lambda m: m.nn.LSTM(2, 0),
        lambda m: m.nn.LSTM(2.0, 3),
        lambda m: m.nn.LSTM(2, 3, bias=1),
        lambda m: m.nn.LSTM(2, 3, dropout=2),
        lambda m: m.nn.LSTM(2, 3)(m.zeros(4)),
        lambda m: m.nn.LSTM(2, 3)(m.zeros(4, 1, 3)),
        lambda m: m.nn.LSTM(2, 3)(m.zeros(4, 1, 2).double()),
        lambda m: m.nn.LSTM(2, 3)(m.zeros(0, 1, 2)),
        lambda m: m.nn.GRU(2, 3)(m.zeros(4, 1, 2), m.zeros(1, 2, 3)),
        lambda m: m.nn.GRU(2, 3)(m.zeros(4, 1, 2), m.zeros(1, 3)),
        lambda m: m.nn.GRUCell(2, 3)(m.zeros(1, 1, 2)),
        lambda m: m.nn.GRUCell(2, 3)(m.zeros(5, 2), m.zeros(4, 3)),
        lambda m: m.lstm_cell(m.zeros(1, 2), (m.zeros(1, 3), m.zeros(1, 3)), m.zeros(9, 2), m.zeros(9, 3)),
        lambda m: m.gru(m.zeros(4, 1, 2), m.zeros(1, 1, 3), [], True, 1, 0.0, False, False, False),
        lambda m: m.nn.utils.rnn.pack_padded_sequence(m.zeros(4, 2), [1, 2]),
        lambda m: m.nn.utils.rnn.pack_padded_sequence(m.zeros(4, 2), [3]),
        lambda m: m.nn.utils.rnn.pack_padded_sequence(m.zeros(4, 2), [3, 0]),
        lambda m: m.nn.utils.rnn.pad_sequence([]),
        lambda m: m.nn.utils.rnn.pad_sequence([m.zeros(2), m.zeros(2, 2)]),
        lambda m: m.nn.utils.rnn.pad_sequence([m.zeros(2)], padding_side="up"),
    ],
)
def test_errors_are_pytorchs(pytorch, wrong):
    def kind(m):
        with pytest.raises(Exception) as error:
            wrong(m)
        return error.type.__name__

    pytorch.agrees(kind)


def test_dropout_in_a_single_layer_is_told():
    with pytest.warns(UserWarning, match="between layers, and there is one"):
        nn.GRU(2, 3, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.GRU(2, 3, dropout=0.5, num_layers=2)


# Packing.


def test_packing_is_pytorchs(pytorch):
    def results(m):
        rnn = m.nn.utils.rnn
        x = m.tensor(STEPS[:, :, 0]).requires_grad_()
        found = []
        for lengths, first, enforce in (
            ([4, 2, 2], False, True),
            ([2, 4, 3], False, False),
            ([1, 3, 2, 3], True, False),
        ):
            packed = rnn.pack_padded_sequence(x, m.tensor(lengths), first, enforce)
            padded, found_lengths = rnn.pad_packed_sequence(packed, first, -1.0, total_length=5)
            found += [[*packed], packed.data.dtype, padded, found_lengths]
            found += m.autograd.grad((packed.data * packed.data).sum() + (padded**3).sum(), [x])
        pieces = [x[:2, 0], x[:, 1], x[:1, 2]]
        for side in ("left", "right"):
            padded = rnn.pad_sequence(pieces, batch_first=True, padding_value=7.0, padding_side=side)
            found += [padded, *m.autograd.grad((padded * padded).sum(), [x])]
        packed = rnn.pack_sequence(pieces, enforce_sorted=False)
        found += [[*packed], rnn.unpack_sequence(packed), rnn.unpad_sequence(x * 1, m.tensor([1, 4, 2]))]
        same, wide = packed.to("cpu"), packed.float()
        found += [same is packed, wide.data.dtype, wide._fields, type(wide).__name__, packed.is_cuda]
        return [*found, [*rnn.PackedSequence(packed.data, packed.batch_sizes)]]

    pytorch.agrees(results, rtol=1e-12)
