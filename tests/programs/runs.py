"""Random training: layers, and small networks of many kinds for a few steps, from the same weights here and in PyTorch.

The truth is what PyTorch says in double precision; in single precision this library may be some times as far off as
PyTorch is. Sizes are such that the fast kernels take over.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from play import Outcome, Seen, chosen, differs, play, runnable

# In a run, `out` is what a network says, `y` the classes and `z` the numbers that it should say.

ACTIVATIONS = """
    ReLU() ReLU() ReLU(inplace=True) LeakyReLU(0.1) GELU() SiLU() Tanh() ELU() Hardswish() ReLU6() PReLU() Softplus()
    Sigmoid() Mish() Identity() SELU() Hardtanh() CELU() GELU(approximate="tanh")
""".split()
OPTIMIZERS = """
    SGD(params, lr=0.05); SGD(params, lr=0.05, momentum=0.9); SGD(params, lr=0.05, momentum=0.9, nesterov=True)
    SGD(params, lr=0.05, momentum=0.8, dampening=0.5, weight_decay=0.1); SGD(params, lr=0.02, maximize=True)
    Adam(params, lr=0.01); Adam(params, lr=0.01, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1)
    Adam(params, lr=0.01, amsgrad=True); AdamW(params, lr=0.01)
    AdamW(params, lr=0.01, weight_decay=0.3, amsgrad=True); RMSprop(params, lr=0.01)
    RMSprop(params, lr=0.01, centered=True, momentum=0.5); Adagrad(params, lr=0.02, lr_decay=0.1)
    Adadelta(params, lr=0.5, rho=0.8, weight_decay=0.1)
"""
SCHEDULERS = """
    StepLR(opt, 1, 0.5); ExponentialLR(opt, 0.7); CosineAnnealingLR(opt, 3); LinearLR(opt, 0.5, total_iters=2)
    OneCycleLR(opt, 0.1, total_steps=4); MultiStepLR(opt, [1, 2], 0.3); PolynomialLR(opt, 3); ConstantLR(opt, 0.3, 2)
    LambdaLR(opt, lambda n: 1 / (n + 1)); CyclicLR(opt, 0.01, 0.1, 2, cycle_momentum=False)
    CosineAnnealingWarmRestarts(opt, 2)
"""
LOSSES = """
    F.cross_entropy(out, y); F.cross_entropy(out, y, label_smoothing=0.1); F.nll_loss(F.log_softmax(out, 1), y)
    F.cross_entropy(out, y, weight=t.arange(10) / 10 + 0.5); F.cross_entropy(out, y, reduction="sum") / 50
    F.cross_entropy(out, y, ignore_index=3); F.cross_entropy(out, F.one_hot(y, 10) * 0.8 + 0.02)
    -(out.exp() / out.exp().sum(1, keepdim=True)).log()[t.arange(len(y)), y].mean()
    -(F.one_hot(y, 10) * out.log_softmax(1)).sum(1).mean(); F.multi_margin_loss(out, y)
    (out.logsumexp(1) - out.gather(1, y[:, None]).squeeze(1)).mean()
    ((out.softmax(1) - F.one_hot(y, 10)) ** 2).sum(1).mean(); (out - z).abs().mean()
    F.binary_cross_entropy_with_logits(out, F.one_hot(y, 10).to(out.dtype)); F.mse_loss(out, z)
    F.binary_cross_entropy(out.sigmoid(), F.one_hot(y, 10).to(out.dtype)); F.kl_div(out.log_softmax(1), z.softmax(1))
    F.smooth_l1_loss(out, z, beta=0.5); F.huber_loss(out, z, delta=0.7); F.l1_loss(out, z); ((out - z) ** 2).mean()
    F.soft_margin_loss(out, z.sign()); F.cross_entropy(out, y) + 0.01 * out.square().mean()
    F.cosine_embedding_loss(out, z, t.ones(len(out))); F.gaussian_nll_loss(out, z, z ** 2 + 0.5)
    F.cross_entropy(out / 0.5, y) + 1e-3 * sum((p * p).sum() for p in net.parameters())
    F.cross_entropy(out, y, reduction="none").mul(t.arange(len(y)) % 2).mean(); F.poisson_nll_loss(out, z ** 2)
"""
ENDINGS = """
    out.sum(); out.sum(); out.sum(); out.mean(); out.mean(); (out * out).sum(); out.square().mean()
    out.sum(0).sin().sum(); out.mean(1).square().sum(); (out * draw(*out.shape, seed=9)).sum(); out.mean(0).sum()
    out.expand(2, *out.shape).sum(); out[:, ::2].sum(); out[::2].mean(); out.transpose(0, 1).sum(); out.amax(1).sum()
    out.flip(0).cumsum(0).mean(); out.softmax(1)[:, 0].sum(); out.logsumexp(1).sum(); out.norm(); out.sum(1).mean()
    (out - out.detach().mean()).sum(); out.sigmoid().log().mean(); (out + out).sum(); t.cat([out, out]).sum()
    t.where(out > 0, out, 0.1 * out).sum(); out.unsqueeze(0).sum(); out.mean(0, keepdim=True).expand_as(out).sum()
    (2 * out).sum(); -out.sum(); out.std(); (out ** 3).mean(); out.movedim(-1, 0).sum()
"""
BETWEEN = """
    nn.utils.clip_grad_norm_(net.parameters(), 0.5); nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    nn.utils.clip_grad_value_(net.parameters(), 0.01); for p in net.parameters(): p.grad *= 0.5
    for p in net.parameters(): p.grad.add_(p.detach(), alpha=0.01); for p in net.parameters(): p.grad = p.grad / 2
"""
FORWARD = """
    h = (x @ w + b).relu() | out = h @ v + c; h = (x @ w + b).sigmoid() | out = h @ v + c
    h = F.linear(x, w.t(), b).clamp(min=0) | out = F.linear(h, v.T, c); h = (x @ w).tanh() + b | out = t.addmm(c, h, v)
    h = t.addmm(b, x, w).tanh() | h = h / (h.square().mean(1, keepdim=True) + 1e-3).sqrt() | out = h @ v + c
    h = (x @ w + b).relu() | h = (h - h.mean(0)) / (h.var(0, unbiased=False) + 1e-3).sqrt() | out = h @ v + c
    h = (x.unsqueeze(1) @ w).squeeze(1).sin() + b | out = t.einsum('ni,io->no', h, v) + c
    h = (x @ w).relu() | h = (h @ (w.t() @ w) / 50 + b).relu() | out = h @ v + c
"""
BY_HAND = """
    for p in params: p -= 0.1 * p.grad | for p in params: p.grad = None
    for p in params: p.sub_(p.grad * 0.1) | for p in params: p.grad.zero_()
    for p, m in zip(params, moved): m.mul_(0.9).add_(p.grad); p.add_(m, alpha=-0.05); p.grad = None
    for p in params: p.add_(p.grad + 0.01 * p, alpha=-0.1); p.grad = None
    for p in params: p.copy_(p - 0.1 * p.grad); p.grad = None
    for p in params: p.data = p.data - 0.1 * p.grad.data; p.grad.zero_()
    norm = sum(p.grad.square().sum() for p in params).sqrt() | for p in params: p -= p.grad / norm; p.grad = None
"""


def table(text: str, split: str = "; ") -> list[str]:
    return [entry.strip() for line in text.strip().splitlines() for entry in line.split(split)]


def block(head: str, body: list[str]) -> str:
    return "\n    ".join([head, *body])


def numbers(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


class Maker:
    def __init__(self, seed: int):
        self.draw = random.Random(seed)
        self.pick = self.draw.choice

    def seed(self) -> int:
        return self.draw.randrange(999)

    def sometimes(self, chance: float, *lines: str) -> list[str]:
        return list(lines) if self.draw.random() < chance else []

    def run(self) -> list[str]:
        return self.pick([self.layer, self.layer, self.network, self.network, self.perceptron, self.attention])()

    # One layer, and a sum of what comes out: the simplest program of any course.

    def layer(self) -> list[str]:
        make = self.pick([self.linear, self.linear, self.convolution, self.convolution, self.signal, self.other])
        layer, shape = make()
        return [
            f"x = {self.input(shape)}",
            f"net = weigh({layer}, seed={self.seed()})",
            *self.sometimes(0.2, "for p in net.parameters(): p.data.zero_()"),
            "out = net(x)",
            f"loss = {self.pick(table(ENDINGS))}",
            "loss.backward()",
        ]

    def input(self, shape: tuple[int, ...]) -> str:
        """A leaf of this shape, or something that lies in memory in an unusual way."""
        n, *rest, last = shape

        def leaf(*sizes: int) -> str:
            return f"draw({numbers(sizes)}, seed={self.seed()}, grad=True)"

        unusual = [
            leaf(*shape[::-1]) + f".permute({numbers(tuple(range(len(shape)))[::-1])})",
            leaf(1, *rest, last) + f".expand({numbers(shape)})",
            leaf(2 * n, *rest, last) + "[::2]",
            leaf(n, *rest, last + 3) + "[..., 1:-2]",
            leaf(*shape) + ".relu()",
            f"t.zeros({numbers(shape)}, requires_grad=True)",
            f"draw({numbers(shape)}, seed={self.seed()})",
        ]
        return self.pick([leaf(*shape)] * len(unusual) + unusual)

    def linear(self) -> tuple[str, tuple[int, ...]]:
        a, b = (self.pick([1, 3, 7, 10, 16, 32, 33, 64, 100, 128, 256, 784]) for _ in "ab")
        n = self.pick([1, 2, 7, 16, 32, 64, 64, 128, 200])
        return f"nn.Linear({a}, {b}{self.bias()})", self.pick([(n, a), (n, a), (n, a), (4, n, a)])

    def bias(self) -> str:
        return self.pick(["", "", ", bias=False"])

    def convolution(self) -> tuple[str, tuple[int, ...]]:
        c, o = self.pick([1, 3, 16, 32, 64]), self.pick([8, 16, 32, 64])
        k, h, w = self.pick([1, 2, 3, 3, 3, 5, 7]), self.pick([7, 8, 12, 16]), self.pick([8, 8, 12, 15])
        options = self.pick(["", "", ", stride=2"]) + self.pick(["", f", padding={k // 2}", f", padding={k // 2}"])
        groups = self.pick([g for g in (1, 1, 1, 2, 4, c) if c % g == o % g == 0])
        options += f", groups={groups}" * (groups > 1) + self.pick(["", "", ", dilation=2"]) * (k < 5) + self.bias()
        if k == 3 and self.draw.random() < 0.1:
            options = f", padding=1, padding_mode='{self.pick(['circular', 'reflect', 'replicate'])}'"
        kind = self.pick(["Conv2d"] * 4 + ["ConvTranspose2d"]) if "mode" not in options else "Conv2d"
        return f"nn.{kind}({c}, {o}, {k}{options})", (self.pick([1, 8, 16, 64 if c * o < 1100 else 16]), c, h, w)

    def signal(self) -> tuple[str, tuple[int, ...]]:
        c, o, k = self.pick([1, 8, 32]), self.pick([8, 16, 32]), self.pick([1, 3, 5])
        options = self.pick(["", f", padding={k // 2}", ", stride=2", ", dilation=2", ", bias=False"])
        kind = self.pick(["Conv1d", "Conv1d", "ConvTranspose1d"])
        return f"nn.{kind}({c}, {o}, {k}{options})", (self.pick([4, 64]), c, self.pick([16, 33, 50]))

    def other(self) -> tuple[str, tuple[int, ...]]:
        n, c, h = self.pick([8, 64]), self.pick([8, 16, 32]), self.pick([7, 8, 14])
        norms = f"BatchNorm2d({c}); GroupNorm(4, {c}); InstanceNorm2d({c}, affine=True); LayerNorm([{h}, {h}])"
        pools = """MaxPool2d(2); MaxPool2d(3, 2, 1); AvgPool2d(2); AvgPool2d(3, 1, 1); AdaptiveAvgPool2d(1)
            AdaptiveMaxPool2d(3); MaxPool2d(2, ceil_mode=True); AvgPool2d(3, 2, 1, count_include_pad=False)
            Upsample(scale_factor=2); Upsample(scale_factor=2, mode="bilinear"); LPPool2d(2, 2)"""
        activations = [a for a in ACTIVATIONS if "inplace" not in a]
        return f"nn.{self.pick(table(norms) * 2 + table(pools) + activations)}", (n, c, h, h)

    # A network, a loss, an optimizer, a scheduler.

    def network(self) -> list[str]:
        n, c, h = self.pick([16, 32, 64]), self.pick([1, 3]), self.pick([8, 12, 16])
        blocks, self.c, self.h = [], c, h
        for _ in range(self.draw.randrange(1, 5)):
            blocks += self.stage()
        size = self.pick([1, 2, 0])
        blocks += [f"nn.AdaptiveAvgPool2d({size})"] * (size > 0) + ["nn.Flatten()"]
        features = self.c * (size or self.h) ** 2
        if self.draw.random() < 0.4:
            blocks += [f"nn.Linear({features}, 64)", f"nn.{self.pick(ACTIVATIONS)}", "nn.Dropout(0.0)"]
            features = 64
        blocks.append(f"nn.Linear({features}, 10)")
        lines = [
            f"x = draw({n}, {c}, {h}, {h}, seed={self.seed()}, grad={self.pick([True, False])})",
            *self.targets(n),
            f"net = weigh(nn.Sequential({', '.join(blocks)}), seed={self.seed()})",
            *self.sometimes(0.1, "net.eval()"),
            *self.sometimes(0.1, "net[-1].weight.data.zero_()"),
        ]
        if self.draw.random() < 0.1:
            return [*lines, "out = net(x)", f"loss = {self.pick(table(ENDINGS) + table(LOSSES))}", "loss.backward()"]
        return lines + self.training(["out = net(x)"])

    def stage(self) -> list[str]:
        """A convolution, perhaps a norm, an activation, perhaps a pool."""
        c, o, bias = self.c, self.pick([16, 16, 32, 48, 64]), self.bias()
        groups = 4 if c % 4 == 0 else 1
        kind, made = self.pick(
            [
                ("", f"Conv2d({c}, {o}, 3, padding=1{bias})"),
                ("", f"Conv2d({c}, {o}, 3, padding=1{bias})"),
                ("", f"Conv2d({c}, {o}, 1{bias})"),
                ("", f"Conv2d({c}, {o}, 5, padding=2{bias})"),
                ("", f"Conv2d({c}, {o}, 3, padding=2, dilation=2{bias})"),
                ("", f"Conv2d({c}, {o}, 3, padding=1, groups={groups})"),
                ("depthwise", f"Conv2d({c}, {c}, 3, padding=1, groups={c}{bias})"),
                ("halves", f"Conv2d({c}, {o}, 3, stride=2, padding=1{bias})"),
                *([("doubles", f"ConvTranspose2d({c}, {o}, 2, stride=2{bias})")] if self.h <= 8 else []),
            ]
        )
        self.h = {"halves": (self.h + 1) // 2, "doubles": self.h * 2}.get(kind, self.h)
        self.c = o = c if kind == "depthwise" else o
        norms = ["BatchNorm2d({})"] * 3 + ["InstanceNorm2d({})"] + ["GroupNorm(4, {})"] * (o % 4 == 0)
        blocks = [made, *self.sometimes(0.6, self.pick(norms).format(o)), self.pick(ACTIVATIONS)]
        blocks = [f"nn.{made}" for made in blocks]
        if o > 8 and self.draw.random() < 0.2:
            blocks.append(f"Residual(nn.Conv2d({o}, {o}, 3, padding=1), nn.BatchNorm2d({o}), nn.ReLU())")
        if self.h >= 6 and self.draw.random() < 0.5:
            pool = self.pick(["MaxPool2d(2)", "MaxPool2d(2)", "AvgPool2d(2)", "MaxPool2d(3, 2, 1)"])
            blocks.append(f"nn.{pool}")
            self.h = (self.h + 1) // 2 if "3" in pool else self.h // 2
        return blocks

    def targets(self, n: int) -> list[str]:
        return [f"y = t.arange({n}) * 7 % 10", f"z = draw({n}, 10, seed={self.seed()})"]

    def training(self, forward: list[str]) -> list[str]:
        """An optimizer and three steps."""
        groups = '[{"params": list(net.parameters())[:2], "lr": 0.03}, {"params": list(net.parameters())[2:]}]'
        loss = self.pick(table(LOSSES))
        scheduler = self.sometimes(0.5, f"sched = t.optim.lr_scheduler.{self.pick(table(SCHEDULERS))}")
        averages = self.sometimes(0.15, "ema = [p.detach().clone() for p in net.parameters()]")
        frozen = self.sometimes(0.15, "for p in list(net.parameters())[:2]: p.requires_grad_(False)")
        between = self.sometimes(0.3, self.pick(table(BETWEEN))) if not frozen else []
        accumulated = self.sometimes(0.15, *forward, f"loss = 0.5 * ({loss})", "loss.backward()")
        average = "for e, p in zip(ema, net.parameters()): e.mul_(0.9).add_(p.detach(), alpha=0.1)"
        steps = ["opt.zero_grad()", *forward, f"loss = {loss}", "loss.backward()", *accumulated, *between, "opt.step()"]
        steps += ["sched.step()"] * len(scheduler) + [average] * len(averages)
        return [
            f"params = {self.pick(['net.parameters()'] * 4 + [groups])}",
            f"opt = t.optim.{self.pick(table(OPTIMIZERS))}",
            *scheduler, *averages, *frozen,
            block("for step in range(3):", steps),
            *(["last = ema[-1]"] * len(averages)),
        ]  # fmt: skip

    # By hand.

    def perceptron(self) -> list[str]:
        n, a, b = self.pick([16, 64, 100]), self.pick([20, 64, 784]), self.pick([16, 32, 100])
        loss = self.pick([loss for loss in table(LOSSES) if "net" not in loss])
        step = [f"    {line}" for line in self.pick(table(BY_HAND, "\n")).split(" | ")]
        body = [*self.pick(table(FORWARD)).split(" | "), f"loss = {loss}", "loss.backward()", "with t.no_grad():"]
        return [
            f"x = draw({n}, {a}, seed={self.seed()})", *self.targets(n),
            f"w = (draw({a}, {b}, seed={self.seed()}) / {a} ** 0.5).requires_grad_()",
            f"v = ({self.pick(['', '', '0 * '])}draw({b}, 10, seed={self.seed()}) / 5).requires_grad_()",
            f"b, c = t.zeros({b}, requires_grad=True), t.zeros(10, requires_grad=True)",
            "params = [w, b, v, c]", "moved = [t.zeros_like(p) for p in params]",
            block("for step in range(3):", body + step),
        ]  # fmt: skip

    def attention(self) -> list[str]:
        n, l, d, heads = self.pick([2, 8]), self.pick([5, 16, 33]), self.pick([16, 32, 64]), self.pick([1, 2, 4])
        later = self.pick(["t.ones(l, l).tril() == 0", "t.arange(l)[None] > t.arange(l)[:, None]"])
        masked = ["s.masked_fill(later, float('-inf'))", "t.where(later, t.tensor(float('-inf')), s)", "s + 0"]
        pooled = self.pick(["net[4](x + h).mean(1)", "net[4](x + h)[:, -1]", "net[4](x + h).amax(1)"])
        body = [
            f"q, k, v = (f(x).view({n}, l, {heads}, {d // heads}).transpose(1, 2) for f in (net[0], net[1], net[2]))",
            f"s = q @ k.transpose(-2, -1) / {d // heads} ** 0.5",
            f"s = {self.pick(masked)}",
            f"h = net[3]((s.softmax(-1) @ v).transpose(1, 2).reshape({n}, l, {d}))",
            f"out = net[5]({pooled})",
        ]
        layers = f"*(nn.Linear({d}, {d}) for i in range(4)), nn.LayerNorm({d}), nn.Linear({d}, 10)"
        return [
            f"l = {l}", f"x = draw({n}, l, {d}, seed={self.seed()})", *self.targets(n), f"later = {later}",
            f"net = weigh(nn.ModuleList([{layers}]), seed={self.seed()})",
            *self.sometimes(0.3, f"net[{self.draw.randrange(4)}].weight.data.zero_()"),
            *self.sometimes(0.2, "net[1].weight = net[0].weight"),
            *self.training(body),
        ]  # fmt: skip


SIMPLEST = [(128, 32, 64), (784, 256, 128), (784, 10, 64), (64, 64, 64), (33, 100, 7), (256, 1, 200), (3, 128, 16)]


def simplest(inputs: int, outputs: int, n: int) -> list[str]:
    """The first program of any course."""
    return [
        f"x = draw({n}, {inputs}, seed={n}, grad=True)",
        f"net = weigh(nn.Linear({inputs}, {outputs}))",
        "net(x).sum().backward()",
    ]


def run(seed: int) -> list[str]:
    return Maker(seed).run()


# What comes of it.


def expected(lines: list[str]) -> Outcome | None:
    """What PyTorch leaves behind, the values in double precision, and how far off they may be.

    That is: some times as far as single precision or a nudge of the inputs leads, which may well lead to the other side
    of a ReLU's kink. None where PyTorch refuses the run, or where it ends beyond all numbers.
    """
    single, double = play(lines, "torch"), play(lines, "torch", double=True)
    nudged = [play(lines, "torch", double=True, nudge=seed) for seed in (1, 2)]
    others = [single, *nudged]
    if double.refused is not None or not all(
        _finite(x) for outcome in (double, *others) for x in outcome.seen.values()
    ):
        return None
    gradients = [x.grad.values for x in double.seen.values() if isinstance(x, Seen) and x.grad]
    unit = 1e-6 * max((np.abs(g).max(initial=0) for g in gradients), default=0)  # where terms cancel but for rounding
    seen = {
        name: _truth(x, double.seen[name], [outcome.seen[name] for outcome in others], unit)
        for name, x in single.seen.items()
    }
    return single._replace(seen=seen)


def _finite(x: Any) -> bool:
    return not isinstance(x, Seen) or (bool(np.isfinite(x.values).all()) and (x.grad is None or _finite(x.grad)))


def _truth(single: Any, double: Any, others: list, unit: float) -> Any:
    if not isinstance(single, Seen) or single.values.dtype.kind != "f":
        return single
    off = max(np.abs(other.values.astype(np.float64) - double.values).max(initial=0) for other in others)
    within = 30 * off + 2e-5 * np.abs(double.values).max(initial=0) + unit + 1e-7
    grad = _truth(single.grad, double.grad, [other.grad for other in others], unit) if single.grad else None
    return single._replace(values=double.values, grad=grad, within=within)


def fault(lines: list[str]) -> str | None:
    """What a run does differently here, or None."""
    answer = expected(lines)
    return answer and differs(answer, play(lines, "tinygrad_cnn"))


def faults(seeds: Iterable[int]) -> Iterator[str]:
    """The runs that do not do here what they do in PyTorch, and how they differ."""
    for seed in seeds:
        lines = run(seed)
        what = fault(lines)
        if what:
            yield f"\n# seed {seed}\n{runnable(lines)}\n{what}\n"


def choose(path: Path, n: int) -> None:
    """Write the first n runs that are right here and do not hang on rounding."""
    told: list[str] = []
    for lines in itertools.chain(itertools.starmap(simplest, SIMPLEST), map(run, itertools.count())):
        if len(told) == n:
            break
        answer = expected(lines)
        if answer and not differs(answer, play(lines, "tinygrad_cnn")) and all(map(_sure, answer.seen.values())):
            told.append(chosen(lines, answer))
    path.write_text("\n".join(told))


def _sure(x: Any) -> bool:
    """Whether the values say something: whether they may not be a thousandth off."""
    if not isinstance(x, Seen) or x.within is None:
        return True
    return x.within < 1e-3 * np.abs(x.values).max(initial=0) + 1e-3 and (x.grad is None or _sure(x.grad))


if __name__ == "__main__":  # choose, or: how many, and perhaps from which seed on
    if sys.argv[1:] == ["choose"]:
        choose(Path(__file__).parent / "runs.txt", 32)
    else:
        n, first = (int(a) for a in [*sys.argv[1:], random.randrange(10**9)][:2])
        for told in faults(range(first, first + n)):
            print(told, flush=True)
