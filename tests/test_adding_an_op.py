"""An op is added as the README says: its function, its rules and its cases. Everything else follows from them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_cnn as tg

PACKAGE = Path(tg.__file__).parent

# In ops/rectifier.py.
OP = '''

@appears("function out method in_place functional inplace inplace_", aliases="soft_square")
@op
def softsquare(input: Array, sharpness: float = 1.0) -> Array:
    """input² / (1 + sharpness · |input|).

    >>> import tinygrad_cnn as tg
    >>> tg.softsquare(tg.tensor([1.0])).tolist()
    [0.5]
    """
    return input**2 / (1 + sharpness * np.abs(input))


def _softsquare_to_input(g: Any, input: Any, sharpness: float) -> Any:
    bent = sharpness * abs(input)
    return g * input * (2 + bent) / (1 + bent) ** 2


softsquare.grad(input=_softsquare_to_input)
softsquare.explain("Nearly a line far from zero.", input="g · input · (2 + s·|input|) / (1 + s·|input|)²")
'''

# In testing/cases/activation.py.
CASE = '\nCASES.append(Case("softsquare", [(2, 3)], expected=lambda x: x**2 / (1 + np.abs(x))))\n'

# What a program, and an editor, can do with it then.
USES = """
import pickle
import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F

x = tg.tensor([1.0, -3.0])
expected = [0.5, 2.25]
for f in (tg.softsquare, tg.soft_square, F.softsquare, F.soft_square, tg.Tensor.softsquare):
    assert f(x).tolist() == expected, f
assert x.softsquare(sharpness=0).tolist() == x.soft_square(0).tolist() == [1.0, 9.0]
assert tg.softsquare(x, out=(y := tg.empty(0))) is y and y.tolist() == expected
for change in (tg.Tensor.softsquare_, F.softsquare_, lambda t: F.softsquare(t, inplace=True), tg.Tensor.soft_square_):
    assert change(t := x.clone()) is t and t.tolist() == expected, change
for f in (tg.softsquare, F.softsquare, F.softsquare_, tg.Tensor.softsquare, tg.Tensor.softsquare_):
    assert pickle.loads(pickle.dumps(f)) is f and "sharpness" in f.__doc__
assert "softsquare" in dir(tg) and "softsquare" in F.__all__
signature = "def softsquare(input: Tensor, sharpness: builtins.float = 1.0, *, out: Tensor | None = None) -> Tensor:"
assert signature in open(tg.__file__ + "i").read()
"""

# The same words over an op of a script; a name that is taken is refused, and the same lines may be run again.
SCRIPT = """
import tinygrad_cnn as tg

def declare():
    @tg.appears("function method in_place functional")
    @tg.op
    def cube(x):
        return x**3
    cube.grad(x=lambda g, x: 3 * g * x**2)

declare(), declare()
x = tg.tensor([2.0], requires_grad=True)
(tg.cube(x) + x.cube() + tg.nn.functional.cube(x)).backward()
assert x.grad.tolist() == [36.0] and x.detach().cube_().tolist() == [8.0]
for word, name in {"function": "nn", "method": "shape", "in_place": "add", "functional": "one_hot"}.items():
    def f(x): ...
    f.__name__ = name
    before = vars(tg).copy()
    try:
        tg.appears(f"{word} method" if word == "function" else word)(f)
    except ValueError as error:
        assert f"has a '{name}" in str(error), error
    else:
        raise AssertionError(name)
    assert vars(tg).keys() == before.keys() and not hasattr(tg.Tensor, "nn")
"""


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_an_op_of_the_package(tmp_path):
    package = tmp_path / "tinygrad_cnn"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name("test_every_op.py"), tmp_path)
    for file, text in (("ops/rectifier.py", OP), ("testing/cases/activation.py", CASE)):
        with (package / file).open("a", encoding="utf-8") as lines:
            lines.write(text)

    if sys.version_info >= (3, 11):
        run(tmp_path, "-m", "tinygrad_cnn.testing.stubs")
        run(tmp_path, "-c", USES)
    options = ["-p", "no:cacheprovider", "--doctest-modules", "--import-mode=importlib", "-k", "softsquare"]
    tried = run(tmp_path, "-m", "pytest", "-v", *options, "test_every_op.py", "tinygrad_cnn/ops/rectifier.py")
    for what in ("test_forward", "test_gradient", "test_second_derivative", "rectifier.softsquare PASSED"):
        assert what in tried, what


@pytest.mark.slow
def test_an_op_of_a_script(tmp_path):
    run(tmp_path, "-c", SCRIPT)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "expected some of the words function"),
        ("function metod", "got 'function metod'"),
        ("out", "the word out needs function or functional or linalg beside it"),
        ("function inplace", "the word inplace needs functional beside it"),
    ],
)
def test_words_that_mean_nothing_are_refused(words, said):
    with pytest.raises(ValueError, match=said):
        tg.appears(words)
