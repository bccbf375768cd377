"""no_grad, enable_grad, set_grad_enabled and inference_mode: where nothing is recorded."""

from __future__ import annotations

import pytest
from small import leaf

import tinygrad_cnn as tg


def test_no_grad_nests_and_is_restored():
    x = leaf(1.0)
    with tg.no_grad():
        with tg.no_grad():
            pass
        assert not (x * 2).requires_grad
        with tg.enable_grad():
            assert (x * 2).requires_grad
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()
    with pytest.raises(ZeroDivisionError), tg.no_grad():
        1 / 0  # noqa: B018
    assert tg.is_grad_enabled()


def test_modes_decorate_functions_and_generators():
    x = leaf(1.0)

    @tg.no_grad()
    def f():
        return (x * 2).requires_grad

    @tg.no_grad
    def g():
        return (x * 2).requires_grad

    @tg.no_grad()
    def items():
        yield (x * 2).requires_grad
        yield (x * 2).requires_grad

    @tg.inference_mode()
    def h():
        return (x * 2).requires_grad

    assert (f(), g(), h()) == (False, False, False)
    for inside in items():
        assert inside is False
        assert tg.is_grad_enabled()


@pytest.fixture
def talk():
    """A generator under no_grad that notes what reaches it: sent values, errors, its own end."""
    notes = []

    @tg.no_grad()
    def talk():
        for word in ("one", "two", "three"):
            try:
                notes.append((yield word))
            except ValueError as error:
                notes.append(str(error))
            except GeneratorExit:
                notes.append("closed")
                raise
            finally:
                assert not tg.is_grad_enabled()
        return "four"

    return talk, notes


def test_a_generator_in_a_mode_returns_its_value(talk):
    def outer():
        yield (yield from talk[0]())

    assert list(outer()) == ["one", "two", "three", "four"]


def test_a_generator_in_a_mode_is_sent_values_and_errors(talk):
    g, notes = talk[0](), talk[1]
    assert [next(g), g.send(1), g.throw(ValueError("no"))] == ["one", "two", "three"]
    assert notes == [1, "no"]
    with pytest.raises(StopIteration) as end:
        next(g)
    assert end.value.value == "four"
    assert tg.is_grad_enabled()


def test_a_generator_in_a_mode_is_closed(talk):
    g, notes = talk[0](), talk[1]
    next(g)
    g.close()
    assert notes == ["closed"]
    with pytest.raises(StopIteration):
        next(g)
    other = talk[0]()
    next(other)
    with pytest.raises(KeyError, match="k"):
        other.throw(KeyError("k"))
    assert tg.is_grad_enabled()


def test_set_grad_enabled_as_function_and_context():
    tg.set_grad_enabled(False)
    assert not tg.is_grad_enabled()
    tg.set_grad_enabled(True)
    with tg.set_grad_enabled(False):
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()


def test_grad_mode_belongs_to_a_thread():
    import threading

    inside = []
    with tg.no_grad():
        thread = threading.Thread(target=lambda: inside.append(tg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert inside == [True]


def test_a_tensor_made_in_inference_mode_is_not_saved_or_changed():
    x = leaf(1.0, 2.0)
    with tg.inference_mode():
        y = tg.ones(2) * 2
        y.add_(1)
        view = y[:1]
    assert y.is_inference()
    assert view.is_inference()
    assert not x.is_inference()
    (x + y).sum().backward()  # which saves nothing
    for use in (lambda: x * y, lambda: y.requires_grad_(), lambda: y.add_(1), lambda: view.zero_()):
        with pytest.raises(RuntimeError, match="inference"):
            use()
    assert y.tolist() == [3.0, 3.0]
    assert (x * y.clone()).tolist() == [3.0, 6.0]


def test_numpy_is_given_where_nothing_is_recorded():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    with tg.no_grad():
        assert x.numpy().tolist() == [1.0, 2.0]
