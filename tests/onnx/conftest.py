"""Models run in onnxruntime beside our own forward."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg

sys.path.insert(0, str(Path(__file__).parent))


def flat(out):
    """The tensors of a result: of an LSTM, those of its state as well."""
    return [t for part in out for t in flat(part)] if isinstance(out, tuple | list) else [out]


@pytest.fixture
def agrees():
    """agrees(proto, model, inputs): the exported model gives what the model gives, in dtype, shape and numbers.

    Within 1e-5, relative and absolute: both compute in float32, and add up in another order.
    """
    onnxruntime = pytest.importorskip("onnxruntime")
    onnxruntime.set_default_logger_severity(4)

    def check(program, model, *batches, rtol=1e-5, atol=1e-5):
        session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
        for inputs in batches:
            with tg.no_grad():
                expected = model(*map(tg.tensor, inputs))
            feed = {i.name: x for i, x in zip(session.get_inputs(), inputs, strict=True)}
            actual = session.run(None, feed)
            expected = flat(expected)
            assert len(expected) == len(actual)
            for e, a in zip(expected, actual):
                e = e.detach().numpy()
                assert (e.dtype, e.shape) == (a.dtype, a.shape)
                np.testing.assert_allclose(a, e, rtol=rtol, atol=atol)

    return check
