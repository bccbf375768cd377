"""Stepping as a debugger does: the film, into and over modules, running to a place, breakpoints, predictions, keys."""

from __future__ import annotations

import re

import pytest
from graphs import two_neurons
from opened import axe_finds_nothing

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """{name: path} of pages, each made when it is first asked for."""
    folder = tmp_path_factory.mktemp("pages")

    class Pages(dict):
        def __missing__(self, name):
            self[name] = folder / f"{name}.html"
            viz.html(RECORDED[name](), self[name])
            return self[name]

    return Pages()


def two():
    return two_neurons()[0]


def nested():
    """A block in a block, then a layer."""
    tg.manual_seed(0)
    block = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 2))
    net = nn.Sequential(block, nn.Tanh())
    with viz.record(net) as r:
        net(tg.ones(1, 2)).sum().backward()
    return r


def twice():
    """A layer that is called twice, one call behind the other."""
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    with viz.record(net) as r:
        net(tg.ones(1, 2)).sum().backward()
    return r


def nan():
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    with viz.record(names={"x": x}) as r:
        (x.log() * 0).sum().backward()
    return r


def zero():
    x = tg.tensor([-1.0, -2.0], requires_grad=True)
    with viz.record(names={"x": x}) as r:
        ((x * 2).relu() * 3).sum().backward()
    return r


def adversaries():
    """A pass, and another one that begins where the first one left off."""
    g, d, z = (tg.tensor([v], requires_grad=v != 3.0) for v in (1.0, 2.0, 3.0))
    with viz.record(names={"g": g, "d": d, "z": z}) as r:
        fake = g * z
        (fake.detach() * d).sum().backward()
        (fake * d).exp().sum().backward()
    return r


RECORDED = {
    "adversaries": adversaries,
    "twice": twice,
    "two": two,
    "nested": nested,
    "nan": nan,
    "zero": zero,
}


def where(o):
    return o.text("#counter")


def shown(o):
    """The node that the step pane is about."""
    return o.page.locator("#step code").first.inner_text()


# the film


def test_forward_then_backward_as_one_film(opening):
    o = opening("two")
    assert where(o) == "step 1 of 8"
    seen = []
    o.key("Home")  # at the first step of backward already: the film's begin
    for _ in range(14):
        seen.append((where(o), shown(o)))
        o.key("ArrowRight")
    assert [node for _, node in seen] == [
        "matmul", "relu", "matmul:2", "add", "mul", "sum",
        "sum", "mul", "add", "matmul:2", "w2", "relu", "matmul", "w1",
    ]  # fmt: skip
    assert [at for at, _ in seen[:6]] == [f"forward {k} of 6" for k in range(1, 7)]
    assert [at for at, _ in seen[6:]] == [f"step {k} of 8" for k in range(1, 9)]
    o.key("End")
    o.key("ArrowLeft", 8)
    assert where(o) == "forward 6 of 6"
    assert "takes" in o.text("#step")
    assert "not computed" not in o.text("#step")
    assert o.page.evaluate("location.hash") == "#forward=6"


def test_of_two_passes_each_follows_its_own_forward(opening):
    o = opening("adversaries")
    o.key("Home")
    seen = []
    for _ in range(14):
        seen.append(f"{where(o).split()[0]} {shown(o)}")
        o.key("ArrowRight")
    assert seen == [
        "forward mul", "forward mul:2", "forward sum", "step sum", "step mul:2", "step d",
        "forward mul:3", "forward exp", "forward sum:2", "step sum:2", "step exp", "step mul:3", "step d", "step mul",
    ]  # fmt: skip


def test_a_link_to_a_frame_of_forward(opening):
    assert where(opening("two", "#forward=3")) == "forward 3 of 6"


def test_play_and_pause(opening):
    o = opening("two")
    o.key("Space")
    assert o.text("#play") == "Pause"
    o.page.wait_for_function("document.getElementById('counter').textContent != 'forward 1 of 6'")
    o.key("Space")
    assert o.text("#play") == "Play"
    stopped = where(o)
    o.page.wait_for_timeout(300)
    assert where(o) == stopped
    o.page.select_option("#speed", "8")
    o.page.locator("#play").click()
    o.page.wait_for_function("document.getElementById('counter').textContent == 'step 8 of 8'")
    o.page.wait_for_function("document.getElementById('play').textContent == 'Play'")  # and the film is over
    o.key("Space")
    assert where(o) == "forward 1 of 6"


def test_speed_by_keys_and_a_move_by_hand_ends_the_film(opening):
    o = opening("two")
    o.key(">", 2)
    assert o.page.locator("#speed").input_value() == "4"
    o.key("<", 4)
    assert o.page.locator("#speed").input_value() == "0.25"
    o.key("Space")
    o.key("ArrowRight")
    assert o.text("#play") == "Play"
    assert where(o) == "forward 2 of 6"


def test_motion_respects_the_readers_settings(opening):
    for motion, moves in (("reduce", False), ("no-preference", True)):
        o = opening("two", reduced_motion=motion)
        o.key("End")
        o.key("ArrowLeft", 6)
        o.page.evaluate("document.getElementById('play').click()")
        running = o.page.evaluate("document.getAnimations().length") > 0
        assert running == moves
        assert o.text("#play") == "Pause"  # it plays all the same, in cuts


# modules


def test_into_over_and_out(opening):
    o = opening("nested", "#forward=1")
    assert shown(o) == "0.0.0/linear"
    o.key("i")
    assert shown(o) == "0.0.1/relu"
    o.key("u")
    assert shown(o) == "0.1/linear"
    o.key("Home")
    o.key("End")
    o.key("Home")
    assert (where(o), shown(o)) == ("step 1 of 9", "sum")
    o.key("o")
    assert shown(o) != "1/tanh"  # the module was gone through at once
    first = shown(o)
    assert first == "0.1/linear"
    o.key("u")
    assert shown(o) == "0.0.1/relu"


def test_over_a_block_and_by_module(opening):
    o = opening("nested", "#step=2")
    assert shown(o) == "1/tanh"
    o.key("o")  # block 0 comes next, and nothing behind it
    assert where(o) == "step 9 of 9"
    o.page.evaluate("location.hash = 'step=1'")
    o.page.wait_for_function("document.getElementById('counter').textContent == 'step 1 of 9'")
    o.key("m")
    assert o.page.locator("#by-module").get_attribute("aria-pressed") == "true"
    stops = []
    for _ in range(4):
        o.key("ArrowRight")
        stops.append(shown(o))
    assert stops == ["1/tanh", "0.1/linear", "0.0.1/relu", "0.0.0/linear"]
    o.key("ArrowLeft")
    assert shown(o) == "0.0.1/relu"


def test_into_a_folded_module_opens_it(opening):
    o = opening("nested", "#step=1&depth=0")
    folded = o.page.locator("#graph .box.module").count()
    assert folded
    o.key("ArrowRight")
    o.key("i")
    assert "linear" in shown(o)
    assert o.page.locator("#graph .box.now").text_content().find("linear") >= 0


def test_each_call_of_a_module_is_gone_through_by_itself(opening):
    o = opening("twice", "#forward=1")
    o.key("m")
    seen = [shown(o)]
    for _ in range(2):
        o.key("ArrowRight")
        seen.append(shown(o))
    assert seen == ["0/linear", "0/linear:2", "sum"]
    o.page.evaluate("location.hash = 'forward=1'")
    o.page.wait_for_function("document.getElementById('counter').textContent == 'forward 1 of 3'")
    o.key("u")
    assert shown(o) == "0/linear:2"


# running to a place


def test_run_to_the_first_nan_and_the_first_zero(opening):
    o = opening("nan")
    o.key("n")
    assert (where(o), shown(o)) == ("forward 1 of 3", "log")
    assert "the first NaN" in o.text("#said")
    o = opening("zero")
    o.key("z")
    assert shown(o) == "relu"
    o.key("n")
    assert "no NaN" in o.text("#said")
    o = opening("two")
    o.key("z")
    assert "No gradient is zero" in o.text("#said")


def test_run_to_a_parameter(opening):
    o = opening("nested")
    o.key("r")
    assert o.page.evaluate("document.activeElement.id") == "run-to"
    o.page.select_option("#run-to", "=0.0.0.weight")
    assert shown(o) == "0.0.0.weight"


def test_breakpoints(opening):
    o = opening("two", "#step=3")
    o.key("b")
    assert o.page.locator("#graph .box.break .stop").count() == 1
    assert o.page.locator("#steps li.break").count() == 1
    assert "break=add" in o.page.evaluate("location.hash")
    o.key("Home")
    o.key("Home")
    o.page.select_option("#speed", "8")
    o.key("Space")
    o.page.wait_for_function("document.getElementById('play').textContent == 'Play'")
    assert (where(o), shown(o)) == ("forward 4 of 6", "add")
    assert o.text("#said") == "Breakpoint: add"
    o.key("c")
    assert where(o) == "step 3 of 8"
    o.key("c")
    assert "No breakpoint lies ahead" in o.text("#said")
    o.key("b")
    assert o.page.locator(".break").count() == 0
    assert where(opening("two", "#step=1&break=add")) == "step 1 of 8"


# predict before you see


def test_predict_before_you_see(opening):
    o = opening("two", "#step=2")  # y * y: the local gradient is y
    o.key("p")
    assert o.page.locator(".question").count() == 1
    assert "flow-norm" not in o.page.locator("#step").inner_html()
    assert "gradient into" not in o.text("#tensors")
    asked = re.search(r"∂out(\[.*?\])/∂(\w+)", o.text(".question"))
    assert asked
    o.page.locator(".question button", has_text="zero").click()
    said = o.text(".predicted")
    assert said.startswith("✗ ∂out")
    assert "you said zero" in said
    assert "0 of 1 right" in said
    assert o.page.locator("#step .flow-norm").count() == 2
    slope = re.search(r"is (\S+), (positive|negative)", said)
    o.key("p", 2)  # asked anew
    o.page.locator("#guess").fill(slope[1])
    o.key("Enter")
    assert o.text(".predicted").startswith("✓ Right")
    o.key("ArrowRight")
    o.key("+")  # the local gradient of an addition is 1
    assert o.text(".predicted").startswith("✓ Right: ∂out")
    assert "2 of 2 right" in o.text(".predicted")


def test_the_film_waits_for_an_answer(opening):
    o = opening("two", "#step=1")
    o.key("p")
    o.page.select_option("#speed", "8")
    o.key("Space")
    o.page.wait_for_function("document.getElementById('counter').textContent == 'step 1 of 8'")
    o.page.wait_for_timeout(400)
    assert where(o) == "step 1 of 8"
    o.key("+")
    o.page.wait_for_function("document.getElementById('counter').textContent == 'step 2 of 8'")


# keys


def test_a_list_of_keys(opening):
    o = opening("two")
    o.key("?")
    assert o.page.locator("#keys").is_visible()
    listed = o.page.locator("#keys kbd").all_inner_texts()
    assert {"Space", "→", "i", "o", "u", "m", "b", "c", "n", "z", "r", "p", "/", "?", "<", ">"} <= set(listed)
    o.key("ArrowRight")  # not meant for the page below
    o.key("Escape")
    assert not o.page.locator("#keys").is_visible()
    assert where(o) == "step 1 of 8"


def structure():
    w = tg.ones(2, requires_grad=True)
    return viz.snapshot((w * 2).sum())


def nothing():
    with viz.record() as r:
        pass
    return r


RECORDED |= {"structure": structure, "nothing": nothing}


@pytest.mark.parametrize("name", ["structure", "nothing", "nan"])
def test_every_key_does_no_harm_on_odd_graphs(opening, name):
    o = opening(name)
    for key in "m i o u b c n z p 0 + - ArrowRight ArrowLeft Home End m p b Space > <".split():
        o.key(key)
    o.key("?")
    o.key("Escape")
    assert o.page.evaluate("document.querySelector('dialog[open]')") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opening, scheme):
    o = opening("two", "#step=2&break=add", color_scheme=scheme)
    for keys in (["p"], ["0", "Home", "Home", "?"]):
        for key in keys:
            o.key(key)
        axe_finds_nothing(o.page, scheme)
