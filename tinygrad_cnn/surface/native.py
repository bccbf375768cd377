"""The functions of nn.functional that PyTorch has at its top level as well, with other parameters.

`torch.embedding(weight, indices)` is what `nn.functional.embedding(indices, weight)` calls, in another order, and a
loss there takes its reduction as a number, 0 where it is not given: `torch.kl_div(x, y)` is not reduced.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any

REDUCTIONS = ("none", "mean", "sum")
# The parameters in their order, by the names that nn.functional has for them.
ORDERS = {
    "batch_norm": "input weight bias running_mean running_var training momentum eps cudnn_enabled",
    "binary_cross_entropy_with_logits": "input target weight pos_weight reduction",
    "cosine_embedding_loss": "input1 input2 target margin reduction",
    "ctc_loss": "log_probs targets input_lengths target_lengths blank reduction zero_infinity",
    "embedding": "weight input padding_idx scale_grad_by_freq sparse",
    "hinge_embedding_loss": "input target margin reduction",
    "instance_norm": "input weight bias running_mean running_var use_input_stats momentum eps cudnn_enabled",
    "kl_div": "input target reduction log_target",
    "margin_ranking_loss": "input1 input2 target margin reduction",
    "poisson_nll_loss": "input target log_input full eps reduction",
    "triplet_margin_loss": "anchor positive negative margin p eps swap reduction",
}


def native(f: Callable) -> Callable:
    """The form that a function of nn.functional has at the top level; itself, where that is the same."""
    name = f.__name__
    if name not in ORDERS:
        return f
    order, theirs = ORDERS[name].split(), signature(f).parameters
    kept = [theirs[n].replace(default=0 if n == "reduction" else theirs[n].default) for n in order if n in theirs]
    required = name.endswith("norm") or name == "poisson_nll_loss"  # all of them
    form = signature(f).replace(
        parameters=[p.replace(default=Parameter.empty) if required else p for p in kept]
        + [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD) for n in order if n not in theirs]
    )

    @wraps(f)
    def g(*args: Any, **kwargs: Any) -> Any:
        if "indices" in kwargs and "weight" in theirs:
            kwargs["input"] = kwargs.pop("indices")
        try:
            given = dict(form.bind(*args, **kwargs).arguments)
        except TypeError as error:
            raise TypeError(f"{name}: {error}; its parameters here are {', '.join(order)}") from None
        given.pop("cudnn_enabled", None)
        if "reduction" in order:
            number = given.get("reduction", 0)
            if type(number) is not int:
                raise TypeError(f"{name}: reduction must be 0 (none), 1 (mean) or 2 (sum) here, got {number!r}")
            given["reduction"] = REDUCTIONS[number] if 0 <= number < 3 else "none"
        if given.get("padding_idx") == -1:
            del given["padding_idx"]  # there is none
        return f(**given)

    g.__signature__ = form  # type: ignore[attr-defined]
    return g
