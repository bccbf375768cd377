"""Where a network looks: Grad-CAM and saliency, and the check that they depend on what was learned.

Both start backward from a one-hot vector at the logits: one at the class in question, zero elsewhere.

N batch, C channels of the image, K channels of the layer, H W image, P Q the layer's output.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.arrays.quiet import quietly
from tinygrad_cnn.autograd import grad
from tinygrad_cnn.autograd.grad_mode import enable_grad
from tinygrad_cnn.engine.tensor import Tensor, as_array, wrap
from tinygrad_cnn.nn import Module
from tinygrad_cnn.nn.functional import interpolate

from .probe import convolutions, find, hooked, require_model, tensor_for, untouched


def grad_cam(
    model: Module, x: Any, layer: str | Module | None = None, target: Any = None, *, scale: bool = True
) -> np.ndarray:
    """relu(Σ_k α_k·A_k), α_k = mean over p, q of ∂logit/∂A_k[p,q]        (N,C,H,W) -> (N,H,W)

    A is what `layer` returns, (N,K,P,Q); the map is enlarged to the image by bilinear interpolation.

    layer: a path or a module; by default the last convolution that the logits depend on.
    target: the class, or one for each image; by default the predicted one.
    scale: divide each map by its maximum, as the size of a logit says little; a map of zeros stays one.
    The model runs in eval mode and is left as it was. (Selvaraju et al. 2017, Grad-CAM.)

    Raises a ValueError where there is no such layer, or x, the layer's output or the logits have not that shape.

    >>> import tinygrad_cnn as tg
    >>> net = tg.vision.models.get_model("victorzhou")
    >>> tg.viz.grad_cam(net, tg.zeros(2, 1, 28, 28), target=3).shape
    (2, 28, 28)
    """
    require_model("grad_cam", model)
    x = tensor_for(model, x)
    if x.ndim != 4:
        raise ValueError(f"grad_cam: x must be images (N,C,H,W), got {tuple(x.shape)}; add the batch axis: x[None]")
    layers = convolutions("grad_cam", model) if layer is None else [find("grad_cam", model, layer)]
    seen: list[Tensor] = []

    def keep(module: Module, args: Any, out: Any) -> Tensor:
        if not isinstance(out, Tensor):
            raise ValueError(f"grad_cam: the layer returns a {type(out).__name__}; name one that returns a Tensor")
        a = out.detach().clone().requires_grad_()  # type: ignore[attr-defined]
        seen.append(a)
        return a.clone()  # type: ignore[attr-defined]  # what follows may change it in place

    with untouched(model), enable_grad(), hooked([m for _, m in layers], keep):
        logits = _logits("grad_cam", model(x), len(x))
        one_hot = _one_hot("grad_cam", logits, target)
        reached = bool(seen) and logits.requires_grad
        gradients = grad(logits, seen, one_hot, allow_unused=True) if reached else [None] * len(seen)
    used = [(a, g) for a, g in zip(seen, gradients, strict=True) if g is not None]
    if not used:
        name = layers[-1][0] or type(model).__name__
        raise ValueError(f"grad_cam: the logits do not depend on what layer {name!r} returns; name another layer")
    a, g = (t.detach().numpy() for t in used[-1])
    if a.ndim != 4:
        raise ValueError(
            f"grad_cam: the layer must return maps (N,K,P,Q), it returns {a.shape}; name a convolution, layer='...'"
        )
    weights = g.mean((2, 3), keepdims=True)  # (N,K,1,1)
    maps = np.maximum((weights * a).sum(1, keepdims=True), 0)  # (N,1,P,Q)
    maps = interpolate(wrap(maps), size=tuple(x.shape[2:]), mode="bilinear").numpy()[:, 0]
    return _scaled(maps) if scale else maps


def saliency(model: Module, x: Any, target: Any = None) -> np.ndarray:
    """max over c of |∂logit/∂x[n,c,h,w]|        (N,C,H,W) -> (N,H,W)

    target: the class, or one for each image; by default the predicted one. The model runs in eval mode and
    is left as it was. (Simonyan, Vedaldi, Zisserman 2013, Deep Inside Convolutional Networks.)

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Sequential(tg.nn.Flatten(), tg.nn.Linear(4, 2))
    >>> _ = net[1].weight.data.copy_(tg.tensor([[1.0, -2.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
    >>> tg.viz.saliency(net, tg.zeros(1, 1, 2, 2), target=0).tolist()
    [[[1.0, 2.0], [3.0, 0.0]]]
    """
    require_model("saliency", model)
    x = tensor_for(model, x)
    if x.ndim < 2 or x.dtype.kind != "f":
        raise ValueError(f"saliency: x must be a batch of floats (N,C,...), got {tuple(x.shape)} of {x.dtype}")
    x = x.detach().clone().requires_grad_()  # type: ignore[attr-defined]
    with untouched(model), enable_grad():
        logits = _logits("saliency", model(x), len(x))
        one_hot = _one_hot("saliency", logits, target)
        (g,) = grad(logits, x, one_hot, materialize_grads=True) if logits.requires_grad else (x.detach() * 0,)  # type: ignore[operator]
    return np.abs(g.detach().numpy()).max(1)  # type: ignore[union-attr]


class Sanity(NamedTuple):
    """The same view of the trained network and of one whose weights are shuffled, and how alike they are."""

    trained: np.ndarray
    shuffled: np.ndarray
    similarity: np.ndarray  # (N,) correlation of the two maps of each image; NaN where one is constant


def sanity(
    model: Module, x: Any, target: Any = None, *, method: Callable[..., np.ndarray] = grad_cam, seed: int = 0
) -> Sanity:
    """Whether `method` shows what the network learned: with shuffled weights its picture must be another one.

    Both are asked about the same class, by default the one that the trained network predicts.
    (Adebayo et al. 2018, Sanity Checks for Saliency Maps.)

    >>> import tinygrad_cnn as tg
    >>> net = tg.vision.models.get_model("victorzhou")
    >>> tg.viz.sanity(net, tg.randn(3, 1, 28, 28)).similarity.shape
    (3,)
    """
    require_model("sanity", model)
    x = tensor_for(model, x)
    if target is None:
        with untouched(model), enable_grad():
            target = _logits("sanity", model(x), len(x)).detach().numpy().argmax(1)
    trained = method(model, x, target=target)
    other = method(shuffled(model, seed), x, target=target)
    a, b = (m.reshape(len(m), -1).astype(np.float64) for m in (trained, other))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    norms = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    similarity = np.divide((a * b).sum(1), norms, out=np.full(len(a), np.nan), where=norms > 0)
    return Sanity(trained, other, similarity)


def shuffled(model: Module, seed: int = 0) -> Module:
    """A copy of the model in which each parameter holds its own numbers in another order."""
    other = copy.deepcopy(model)
    rng = quietly(np.random.default_rng, seed)
    for p in other.parameters():
        array = p.detach().numpy()
        array[...] = rng.permutation(array.ravel()).reshape(array.shape)
    return other


def _logits(what: str, out: Any, n: int) -> Tensor:
    if not isinstance(out, Tensor) or out.ndim != 2 or len(out) != n:
        given = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(f"{what}: the model must return logits (N, classes) with N = {n}, it returned {given}")
    return out


def _one_hot(what: str, logits: Tensor, target: Any) -> Tensor:
    """One at each image's class."""
    array = logits.detach().numpy()
    n, classes = array.shape
    chosen = array.argmax(1) if target is None else np.asarray(as_array(target))
    if chosen.dtype.kind not in "iu" or chosen.shape not in ((), (n,)):
        raise ValueError(
            f"{what}: target must be a class or one for each of {n} images, integers, got {chosen.dtype} {chosen.shape}"
        )
    if chosen.size and (chosen.min() < 0 or chosen.max() >= classes):
        raise IndexError(f"{what}: target must be from 0 to {classes - 1}, got {chosen.min()} to {chosen.max()}")
    one_hot = np.zeros_like(array)
    one_hot[np.arange(n), chosen] = 1
    return wrap(one_hot)


def _scaled(maps: np.ndarray) -> np.ndarray:
    top = maps.max((1, 2), keepdims=True, initial=0)
    return maps / np.where(top > 0, top, 1)
