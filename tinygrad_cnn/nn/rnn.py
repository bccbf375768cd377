"""Recurrent layers, and their cells, which are one step of them.

    lstm = nn.LSTM(10, 16, num_layers=2)
    out, (h, c) = lstm(tg.randn(20, 4, 10))    # 20 steps of 4 sequences, 10 numbers each
    out.shape, h.shape                         # (20, 4, 16): the upper layer at each step; (2, 4, 16): both, at the end

`nn.utils.rnn` packs sequences of different lengths.
"""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from ..arrays.types import DType
from ..engine.tensor import Tensor
from ..ops import sequences
from ..ops.gather import index_select
from ..ops.shape import squeeze, unsqueeze
from ..surface.creation import empty, zeros
from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


class RNNBase(Module):
    """What RNN, LSTM and GRU have in common: parameters weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, ...

    `mode` is "RNN_TANH", "RNN_RELU", "LSTM" or "GRU". Behind the name of a parameter stands the layer, and "_reverse"
    for the direction from behind. With proj_size, which an LSTM may have, there is weight_hr_l0 as well. All start
    uniform within ±1/√hidden_size.

    Raises a ValueError or a TypeError for sizes that make no layer; dropout in one layer alone gives a warning.

    >>> import tinygrad_cnn as tg
    >>> [name for name, _ in tg.nn.RNNBase("GRU", 2, 3, bidirectional=True, bias=False).named_parameters()]
    ['weight_ih_l0', 'weight_hh_l0', 'weight_ih_l0_reverse', 'weight_hh_l0_reverse']
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):  # type: ignore[operator]
            raise ValueError(f"{mode}: dropout must be the probability of dropping, from 0 to 1, got {dropout!r}")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"{mode}: dropout is applied between layers, and there is one; dropout={dropout} does nothing with "
                f"num_layers={num_layers}",
                stacklevel=3 if type(self) is RNNBase else 4,
            )
        sizes = dict(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        flags = dict(bias=bias, batch_first=batch_first)
        for kind, given in ((int, [*sizes.items()][:2]), (bool, [*flags.items()])):
            for what, value in given:
                if not isinstance(value, kind):
                    raise TypeError(f"{mode}: {what} must be of type {kind.__name__}, got {type(value).__name__}")
        for what, size in sizes.items():
            if size <= 0:
                raise ValueError(f"{mode}: {what} must be greater than zero, got {size}")
        if not 0 <= proj_size < hidden_size:
            raise ValueError(
                f"{mode}: proj_size must be 0, for no projection, or positive and smaller than hidden_size="
                f"{hidden_size}, got {proj_size}"
            )
        if mode not in GATES:
            raise ValueError(f"RNNBase: mode must be {', '.join(GATES)}, got {mode!r}")
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        rows, state = GATES[mode] * hidden_size, proj_size or hidden_size
        directions = 2 if bidirectional else 1
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            read = input_size if layer == 0 else state * directions
            for suffix in ("", "_reverse")[:directions]:
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, read), "weight_hh": (rows, state)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    parameter = Parameter(empty(shape, device=device, dtype=dtype))
                    self.register_parameter(f"{name}_l{layer}{suffix}", parameter)
                self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])
        self._flat_weights_names = [name for names in self._all_weights for name in names]
        self.reset_parameters()

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def flatten_parameters(self) -> None:
        """Nothing: the kernels take parameters where they lie."""

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    # checking

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise where the input does not fit the layer."""
        first = getattr(self, self._flat_weights_names[0])
        if input.dtype != first.dtype:
            raise ValueError(
                f"{self._get_name()}: input must have the dtype of the parameters, {first.dtype}, got {input.dtype}; "
                f"convert it with .to({first.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.ndim != expected:
            raise RuntimeError(f"{self._get_name()}: input must have {expected} axes, got {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{self._get_name()}: input.size(-1) must be equal to input_size, expected {self.input_size}, got "
                f"{input.shape[-1]}"
            )

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of h: (layers · directions, batch, proj_size or hidden_size)"""
        layers, B, H = self._state_size(input, batch_sizes)
        return layers, B, self.proj_size or H

    def _state_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        if batch_sizes is not None:
            B = int(batch_sizes[0])  # type: ignore[index]
        else:
            B = input.shape[0 if self.batch_first else 1]
        return self.num_layers * (2 if self.bidirectional else 1), B, self.hidden_size

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raise a RuntimeError where a state has another shape than expected."""
        if tuple(hx.shape) != expected_hidden_size:
            raise RuntimeError(f"{self._get_name()}: " + msg.format(expected_hidden_size, list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise where input and state do not fit the layer."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with the sequences in another order."""
        return hx if permutation is None else index_select(hx, 1, permutation)

    # running

    def _states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        """The state to begin with where none is given: zeros."""
        return zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def _change(self, hx: Any, how: Any) -> Any:
        """The same done to each tensor of a state."""
        return how(hx)

    def forward(self, input: Any, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence):
            data, batch_sizes, sorted_indices, unsorted_indices = input
            hx = self._states(data, batch_sizes) if hx is None else self.permute_hidden(hx, sorted_indices)
            self.check_forward_args(data, hx, batch_sizes)
            out, last = self._run(data, hx, batch_sizes)
            packed = PackedSequence(out, batch_sizes, sorted_indices, unsorted_indices)
            return packed, self.permute_hidden(last, unsorted_indices)
        if not isinstance(input, Tensor):
            raise TypeError(
                f"{self._get_name()}: input must be a Tensor or a PackedSequence, got {type(input).__name__}"
            )
        if input.ndim not in (2, 3):
            raise ValueError(f"{self._get_name()}: expected input of two or three axes, got {input.ndim}")
        alone = input.ndim == 2
        if hx is not None:
            self._check_axes(hx, 2 if alone else 3)
        if alone:
            axis = 0 if self.batch_first else 1
            input = unsqueeze(input, axis)
            hx = hx if hx is None else self._change(hx, lambda s: unsqueeze(s, 1))
        hx = self._states(input, None) if hx is None else hx
        self.check_forward_args(input, hx, None)
        out, last = self._run(input, hx, None)
        if alone:
            out, last = squeeze(out, axis), self._change(last, lambda s: squeeze(s, 1))
        return out, last

    def _check_axes(self, hx: Any, expected: int) -> None:
        for state in hx if isinstance(hx, tuple | list) else (hx,):
            if state.ndim != expected:
                raise RuntimeError(
                    f"{self._get_name()}: for {'un' if expected == 2 else ''}batched input, hx should have {expected} "
                    f"axes, got {state.ndim}"
                )

    def _run(self, input: Tensor, hx: Any, batch_sizes: Tensor | None) -> tuple[Tensor, Any]:
        compute: Any = getattr(sequences, self.mode.lower())
        told = self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional
        if batch_sizes is not None:
            out, *last = compute(input, batch_sizes, hx, *told)
        else:
            out, *last = compute(input, hx, *told, self.batch_first)
        return out, tuple(last) if len(last) > 1 else last[0]

    def extra_repr(self) -> str:
        said = [f"{self.input_size}, {self.hidden_size}"]
        usual = dict(proj_size=0, num_layers=1, bias=True, batch_first=False, dropout=0, bidirectional=False)
        said += [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join(said)


class RNN(RNNBase):
    """h = tanh(weight_ih @ x + bias_ih + weight_hh @ h + bias_hh)        (T,B,I) (L,B,H) -> (T,B,H), (L,B,H)

    nonlinearity "relu" takes that in the place of tanh. Each of num_layers reads what the one below gives, after
    dropout in training; bidirectional: half of them read from behind, and outputs stand side by side, (T,B,2·H).
    L is num_layers, or twice as many. batch_first: input and output are (B,T,...). A single sequence (T,I) has states
    (L,H); a PackedSequence gives one. hx starts as zeros. (Elman, 1990.)

    >>> import tinygrad_cnn as tg
    >>> out, h = tg.nn.RNN(10, 16, num_layers=2)(tg.randn(7, 4, 10))
    >>> out.shape, h.shape
    ((7, 4, 16), (2, 4, 16))
    """

    def __init__(self, *args: Any, **kwargs: Any):
        _refuse_projection(kwargs)
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be tanh or relu, got {nonlinearity!r}")
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """c = f·c + i·g,  h = o·tanh(c) at each step        (T,B,I) ((L,B,P), (L,B,H)) -> (T,B,P), ((L,B,P), (L,B,H))

    i, f, o = σ(...), g = tanh(...) of the four parts of weight_ih @ x + bias_ih + weight_hh @ h + bias_hh. With
    proj_size=P, h = weight_hr @ (o·tanh(c)); P is H without. All else is as with `RNN`, but a state is (h, c).
    (Hochreiter and Schmidhuber, 1997; Gers et al., 2000; Sak et al., 2014.)

    >>> import tinygrad_cnn as tg
    >>> lstm = tg.nn.LSTM(10, 16, batch_first=True, bidirectional=True)
    >>> out, (h, c) = lstm(tg.randn(4, 7, 10))
    >>> out.shape, h.shape, c.shape
    ((4, 7, 32), (2, 4, 16), (2, 4, 16))
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of c: (layers · directions, batch, hidden_size)"""
        return self._state_size(input, batch_sizes)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise where input and states do not fit the layer."""
        self.check_input(input, batch_sizes)
        expected = self.get_expected_hidden_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], expected, "Expected hidden[0] size {}, got {}")
        expected = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], expected, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Both states with the sequences in another order."""
        if permutation is None:
            return hx
        return index_select(hx[0], 1, permutation), index_select(hx[1], 1, permutation)

    def _states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        shapes = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        return tuple([zeros(shape, dtype=input.dtype) for shape in shapes])

    def _change(self, hx: Any, how: Any) -> Any:
        return how(hx[0]), how(hx[1])


class GRU(RNNBase):
    """h = (1 - z)·n + z·h at each step        (T,B,I) (L,B,H) -> (T,B,H), (L,B,H)

    r, z = σ(...) and n = tanh(x_n + r·q_n), of the three parts of x = weight_ih @ input + bias_ih and
    q = weight_hh @ h + bias_hh. All else is as with `RNN`. (Cho et al., 2014.)

    >>> import tinygrad_cnn as tg
    >>> out, h = tg.nn.GRU(10, 16)(tg.randn(7, 4, 10))
    >>> out.shape, h.shape
    ((7, 4, 16), (1, 4, 16))
    """

    def __init__(self, *args: Any, **kwargs: Any):
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


def _refuse_projection(kwargs: dict) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size is for LSTM alone, neither RNN nor GRU has it")


# One step.


class RNNCellBase(Module):
    """What the cells have in common: weight_ih, weight_hh, bias_ih and bias_hh of num_chunks parts each.

    All start uniform within ±1/√hidden_size.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.RNNCellBase(2, 3, bias=False, num_chunks=4).weight_ih.shape
    (12, 2)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def extra_repr(self) -> str:
        said = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            said += f", bias={self.bias}"
        return said

    def _step(self, compute: Any, input: Tensor, states: tuple | None, n_states: int) -> tuple:
        """The new states of rows (B, I), or of one (I,)."""
        name = self._get_name()
        if input.ndim not in (1, 2):
            raise ValueError(f"{name}: expected input of one or two axes, got {input.ndim}")
        for i, state in enumerate(states or ()):
            if state.ndim not in (1, 2):
                raise ValueError(
                    f"{name}: expected hx{f'[{i}]' if n_states > 1 else ''} of one or two axes, got {state.ndim}"
                )
        alone = input.ndim == 1
        rows = unsqueeze(input, 0) if alone else input
        if states is None:
            states = (zeros(rows.shape[0], self.hidden_size, dtype=input.dtype),) * n_states
        elif alone:
            states = tuple([unsqueeze(s, 0) for s in states])
        hx = states if n_states > 1 else states[0]
        out = compute(rows, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        found = out if n_states > 1 else (out,)
        return tuple([squeeze(s, 0) for s in found]) if alone else found


class RNNCell(RNNCellBase):
    """tanh(weight_ih @ input + bias_ih + weight_hh @ hx + bias_hh)        (B,I) (B,H) -> (B,H)

    nonlinearity "relu" takes that in the place of tanh. hx starts as zeros; without a batch it is (I,) (H,) -> (H,).

    >>> import tinygrad_cnn as tg
    >>> cell, h = tg.nn.RNNCell(10, 16), tg.zeros(4, 16)
    >>> for x in tg.randn(7, 4, 10):
    ...     h = cell(x, h)
    >>> h.shape
    (4, 16)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: DType | None = None,
    ):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"RNNCell: nonlinearity must be tanh or relu, got {self.nonlinearity!r}")
        compute = getattr(sequences, f"rnn_{self.nonlinearity}_cell")
        return self._step(compute, input, None if hx is None else (hx,), 1)[0]

    def extra_repr(self) -> str:
        said = super().extra_repr()
        return said if self.nonlinearity == "tanh" else f"{said}, nonlinearity={self.nonlinearity}"


class LSTMCell(RNNCellBase):
    """c = f·c + i·g,  h = o·tanh(c)        (B,I) ((B,H), (B,H)) -> (B,H), (B,H)

    One step of an `LSTM`; hx is (h, c), which start as zeros.

    >>> import tinygrad_cnn as tg
    >>> h, c = tg.nn.LSTMCell(10, 16)(tg.randn(4, 10))
    >>> h.shape, c.shape
    ((4, 16), (4, 16))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: DType | None = None
    ):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self._step(sequences.lstm_cell, input, hx, 2)
        return h, c


class GRUCell(RNNCellBase):
    """h = (1 - z)·n + z·h        (B,I) (B,H) -> (B,H)

    One step of a `GRU`; hx starts as zeros.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.GRUCell(10, 16)(tg.randn(4, 10)).shape
    (4, 16)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: DType | None = None
    ):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(sequences.gru_cell, input, None if hx is None else (hx,), 1)[0]
