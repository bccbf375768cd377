"""Random programs: each line is drawn from a table and tried in PyTorch, so that most of them mean something.

A table has statements and expressions; an expression gets a name. What stands in angle brackets is drawn:

    <x>       a floating tensor, the one that the rest of the line is about
    <k>       the same, and no two of its numbers are nearly equal, nor is one nearly 0, unless they are so exactly
    <u>       the same, and no two are equal at all; <e> the same, and its numbers are exact
    <f>       the same, and no leaf that requires a gradient; <leaf> such a leaf; <any> a tensor of any dtype
    <same>    a tensor of its shape; <y> one that can be broadcast with it, or a number
    <like>    fresh numbers of its shape; <positive> such that are; <mask> bools, perhaps of a shape that is broadcast
    <d> <d2>  two of its axes; <sizes> another shape for it; <index> <view> what picks of it; <classes> a target
    <rows> <picks> <places>  integers for index_select, gather and take
    <s>       a number to go back from; <m> the name of a module; <layer> a module; <new> a name
    <c> <keep>  a number; True or False
"""

from __future__ import annotations

import itertools
import math
import random
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from play import chosen, differs, fault, left_behind, play, runnable, smallest, start

POINTWISE = """
    <x> + <y>; <x> - <y>; <x> * <y>; <x> * <y>; <y> - <x>; <y> * <x>; <x> / <positive>; <y> / (<x> * <x> + 1)
    <x> / <c>; <x> ** 2; <x> ** 3; t.pow(2.0, <x>); <x>.square(); (<x> * <x> + 1).sqrt(); (<x> ** 2 + 0.5).rsqrt()
    <x>.sin(); <x>.cos(); <x>.exp(); <x>.sigmoid(); <x>.tanh(); <x>.atan(); <x>.sinh(); <x>.expm1(); <x>.erf()
    (<x> * <x> + 1).log(); t.log1p(<x>.square()); (<x>.abs() + 1).reciprocal(); -<x>; <x>.abs() + <x>
    t.atan2(<x>, <positive>); t.hypot(<x>, <positive>); t.logaddexp(<x>, <same>); t.xlogy(<x>, <positive>)
    t.lerp(<x>, <same>, t.tensor(0.25)); t.addcmul(<x>, <same>, <like>, value=2); t.addcdiv(<x>, <same>, <positive>)
    t.lerp(<x>, <same>, <like>); t.add(<x>, <y>, alpha=2); t.sub(<x>, <y>, alpha=0.5); t.rsub(<x>, <y>)
    t.where(<mask>, <x>, <y>); t.where(<mask>, <y>, <x>); t.where(<mask>, <x>, 0.0); <x>.where(<mask>, <same>)
    <x>.masked_fill(<mask>, <c>); <x>.masked_fill(<mask>, t.tensor(float(<c>))); <x> * <mask>; <mask> * <x>
    F.gelu(<x>); F.gelu(<x>, approximate="tanh"); F.silu(<x>); F.mish(<x>); F.softplus(<x>); F.softplus(<x>, 2, 1.1)
    F.logsigmoid(<x>); F.tanhshrink(<x>); F.softsign(<x>); <x>.sinc(); t.exp2(<x>); <x>.cosh(); <x>.asinh()
    <x>.clone(); <x>.detach(); <x>.contiguous(); +<x>; <x>.double(); <x>.float(); <x>.to(t.float64)
    <x>.type_as(<any>); <any> + <y>; <any> * <y>; <any> - <any>; <any> * <any>; <any> + <c>; <any> / 2; <any>.float()
    2.0 ** <any>
"""
KINKED = """
    <k>.relu(); F.relu(<k>); F.leaky_relu(<k>, 0.1); F.elu(<k>); F.celu(<k>, 2.0); F.selu(<k>); F.relu6(<k> * 4)
    F.hardtanh(<k>); F.hardswish(<k> * 3); F.hardsigmoid(<k> * 3); F.softshrink(<k>); F.hardshrink(<k>); <k>.abs()
    F.prelu(<k>, t.tensor([0.25], requires_grad=True)); F.threshold(<k>, 0.5, -1.0); <k>.clamp(-1, 1)
    <k>.clamp(min=0); <k>.clamp(max=<c>); t.clamp(<k>, <like>, <like> + 1); t.clamp(<k>, min=<like>)
    t.maximum(<k>, <like>); t.minimum(<k>, <k>); t.minimum(<like>, <k>); t.fmax(<k>, <like>); t.fmin(<k>, <like>)
    <k>.maximum(t.zeros(1)); <e>.floor() + <e>; <e>.ceil() * <e>; <e>.round() + <e>; <e>.trunc() * <e>; <e>.frac()
    <e>.sign() * <e>; <e>.remainder(1.5); t.remainder(<e>, -0.75); t.fmod(<e>, 1.5); t.nan_to_num(<e>); <e> // 0.75
    <e> % 1.0; <e> > 0; <e> <= <like>; <e> == <like>; (<e> != 0).float(); (<e> >= 0.5) & (<e> < 1.5); ~(<e> > 0)
    <e>.isfinite(); <e>.bool(); <e>.long(); <e>.int(); t.isclose(<e>, <like>); t.equal(<e>, <like>)
"""
REDUCING = """
    <x>.sum(); <x>.mean(); <x>.sum(<d>); <x>.mean(<d>); <x>.sum(<d>, keepdim=<keep>); <x>.mean(<d>, keepdim=<keep>)
    <x>.sum((<d>, <d2>)); <x>.mean((<d>, <d2>), keepdim=<keep>); <x>.sum(()); <x>.prod(); <x>.prod(<d>)
    <x>.nansum(<d>); <x>.std(); <x>.var(<d>); <x>.std(<d>, keepdim=<keep>); <x>.var(unbiased=False)
    <x>.var(<d>, correction=0); <x>.logsumexp(<d>); <x>.logsumexp((<d>, <d2>)); <x>.softmax(<d>); <x>.log_softmax(<d>)
    F.softmin(<x>, <d>); <x>.cumsum(<d>); <x>.cumprod(<d>); <x>.norm(); <x>.norm(dim=<d>); <x>.norm(1, <d>)
    <x>.norm(3.0, <d>, keepdim=<keep>); <k>.amax(); <k>.amax(<d>); <k>.amin(<d>, keepdim=<keep>)
    <k>.amax((<d>, <d2>)); <k>.max(); <k>.min(); <k>.max(<d>).values; <k>.min(<d>, keepdim=<keep>)[0]; <u>.median()
    <u>.median(<d>).values; <k>.argmax(<d>); <k>.argmin(); <u>.sort(<d>).values; <u>.sort(<d>, descending=True).values
    <u>.topk(1, <d>).values; <u>.msort(); <u>.topk(2, <d>, largest=False).values; <u>.kthvalue(1, <d>).values
    <k>.cummax(<d>).values; <k>.cummin(<d>)[0]; <k>.norm(float("inf")); <k>.norm(float("inf"), <d>); <u>.argsort(<d>)
    t.aminmax(<k>).max; <any>.sum(); <any>.sum(<d>); <any>.prod(<d>); <any>.cumsum(<d>); (<e> > 0).any(<d>)
    (<e> > 0).all(); <e>.detach().unique(); t.count_nonzero(<e>); t.count_nonzero(<e>, <d>); <e>.nonzero()
    t.var_mean(<x>, <d>)[0]; <any>.sum(dtype=t.float64)
"""
SHAPING = """
    <x><view>; <x><view>; <x><view>; <x><view>; <x><view>; <x><view><view>; <any><view>; <x>.detach()<view>
    <x>.reshape(<sizes>); <x>[<index>]; <x>[<index>]; <x>[<index>]; <any>[<index>]
    <x>.repeat(2, *[1] * (<x>.dim() - 1)); <x>.tile(2); <x>.flip(<d>); <x>.flip((<d>, <d2>)); <x>.roll(1, <d>)
    <x>.roll(-1); <x>.roll((1, 2), (<d>, <d2>)); <x>.rot90(); <x>.tril(); <x>.triu(1); <x>.diag(); t.diag(<x>, 1)
    <x>.trace(); <x>.repeat_interleave(2, <d>); <x>.repeat_interleave(2); t.cat([<x>, <same>], <d>); t.cat((<x>, <x>))
    t.stack([<x>, <same>], <d>); t.stack((<same>, <x>), -1); t.hstack((<x>, <same>)); t.vstack((<x>, <same>))
    t.cat([<x>, <any>]); t.stack([<x>, <any>]); <x>.chunk(2, <d>)[0]; <x>.split(1, <d>)[-1]
    <x>.split([1, <x>.size(<d>) - 1], <d>)[1]; <x>.unbind(<d>)[0]; t.tensor_split(<x>, 2, <d>)[1]
    t.cat(<x>.split(1, <d>)[::-1], <d>); t.stack(<x>.unbind(<d>), <d2>); <x>.expand(2, *<x>.shape)
    t.broadcast_to(<x>, (2, *<x>.shape)); t.meshgrid(<x>.flatten()[:2], num(2), indexing="ij")[0]
    <x>.index_select(<d>, <rows>); <x>.gather(<d>, (<like> > 0).long() * 0); <x>.gather(<d>, <picks>)
    <x>.take(<places>); t.take_along_dim(<x>, <picks>, <d>); <x>.scatter(<d>, <picks>, <same>)
    <x>.scatter_add(<d>, <picks>, <same>); <x>.scatter(<d>, <picks>[:1], <c>)
    <x>.index_add(<d>, <rows>, <x>.index_select(<d>, <rows>)); <x>.index_fill(<d>, <rows>, <c>)
    <x>.index_copy(<d>, <rows>, <same>.index_select(<d>, <rows>)); <x>.masked_select(<mask>); <x>[<like> > 0]
    t.index_put(<x>, (<rows0>,), t.tensor(float(<c>)))
    t.index_put(<x>, (<rows0>,), t.tensor(float(<c>)), accumulate=True); F.pad(<x>, (1, 0))
    F.pad(<x>, (1, 2), value=<c>); F.pad(<x>, (-1, 1)); F.pad(<x>, (0, 1, 1, 0)); <x>.view_as(<same>)
    F.pad(<x>[None], (1, 1), mode="reflect"); F.pad(<x>[None], (1, 1), mode="replicate")
    F.pad(<x>[None], (1, 1), mode="circular"); F.one_hot((<e> > 0).long(), 3); <x>.new_zeros(2); t.zeros_like(<x>)
    t.full_like(<x>, <c>); t.ones_like(<x>, requires_grad=True)
"""
PRODUCTS = """
    <x> @ num(<x>.shape[-1], 2, grad=True); num(2, <x>.shape[0], grad=True) @ <x>; <x> @ <x>.mT; <x>.mT @ <x>
    <x> @ num(<x>.shape[-1]); t.matmul(num(<x>.shape[-2]), <x>); t.outer(<x>.flatten(), num(2))
    t.dot(<x>.flatten(), <same>.flatten()); t.einsum("...i,...i->...", <x>, <same>)
    t.einsum("ij,ik->jk", <x>, <same>); t.einsum("ij->ji", <x>); t.einsum("ii->i", <x>)
    t.einsum("...i,ki->...k", <x>, num(2, <x>.shape[-1], grad=True)); t.tensordot(<x>, num(<x>.shape[-1], 2), dims=1)
    t.inner(<x>, <same>); F.linear(<x>, num(2, <x>.shape[-1], grad=True), num(2, grad=True))
    F.linear(<x>, num(1, <x>.shape[-1])); t.addmm(<same>.sum(), <x>, <x>.t())
    t.mv(<x>, num(<x>.shape[-1], grad=True)); t.bmm(<x>[None], <x>.t()[None])
    t.baddbmm(num(1), <x>[None], <same>.mT[None], beta=0.5, alpha=2); <x>.expand(2, *<x>.shape) @ <x>.mT
    F.bilinear(<x>, <same>, num(2, <x>.shape[-1], <x>.shape[-1], grad=True))
    <x>.sum(<d>, keepdim=True).expand_as(<x>) @ <x>.mT; (<x> @ <same>.mT / 2).softmax(-1) @ <x>
    (<x> @ <x>.mT).masked_fill(t.ones(<x>.shape[-2:-1] * 2).triu(1) > 0, float('-inf')).softmax(-1) @ <x>
"""
NETWORKS = """
    F.layer_norm(<x>, <x>.shape[-1:])
    F.layer_norm(<x>, <x>.shape[-1:], num(<x>.shape[-1], grad=True), num(<x>.shape[-1], grad=True))
    F.rms_norm(<x>, <x>.shape[-1:]); F.normalize(<x>, dim=<d>); F.normalize(<x>, 1, <d>)
    F.cosine_similarity(<x>, <same>, <d>); F.batch_norm(<x>, None, None, training=True)
    F.batch_norm(<x>, num(<x>.shape[1]), num(<x>.shape[1]) ** 2 + 1)
    F.batch_norm(<x>, None, None, num(<x>.shape[1], grad=True), num(<x>.shape[1], grad=True), True)
    F.dropout(<x>, 0.5, False); F.group_norm(<x>, 1); F.group_norm(<x>, <x>.shape[1], num(<x>.shape[1], grad=True))
    F.instance_norm(<x>); F.dropout(<x>, 0.0); F.embedding(<picks> % 3, num(3, 2, grad=True))
    F.glu(t.cat([<x>, <same>], <d>), <d>); F.pairwise_distance(<x>, <same>)
    F.conv1d(<x>, num(2, <x>.shape[-2], 2, grad=True), num(2, grad=True), padding=1)
    F.conv1d(<x>, num(2, <x>.shape[-2], 1))
    F.conv2d(<x>[None, None], num(2, 1, 2, 2, grad=True), num(2, grad=True), padding=1); F.avg_pool1d(<x>, 2, 1)
    F.max_pool1d(<k>, 2, 1); F.conv2d(<x>[None], num(2, <x>.shape[0], 2, 1, grad=True), stride=2, padding=1)
    F.conv2d(<x>[None, None], num(2, 1, 2, 2), dilation=2, padding=1)
    F.conv2d(<x>[None], num(<x>.shape[0], 1, 2, 2, grad=True), groups=<x>.shape[0], padding=1)
    F.unfold(<x>[None, None], 2, padding=1)
    F.conv_transpose2d(<x>[None, None], num(1, 2, 2, 2, grad=True), num(2), stride=2)
    F.conv_transpose1d(<x>, num(<x>.shape[-2], 2, 2, grad=True))
    F.conv_transpose2d(<x>[None], num(<x>.shape[0], 2, 3, 2), padding=1, output_padding=1, stride=2, dilation=2)
    F.max_pool2d(<k>[None, None], 2, 1); F.max_pool2d(<k>[None], 2, 1, 1)
    F.max_pool2d(<k>[None], (1, 2), ceil_mode=True); F.avg_pool2d(<x>[None], 2, 1)
    F.avg_pool2d(<x>[None, None], 2, 1, 1, count_include_pad=False); F.avg_pool2d(<x>[None], 2, 2, 1, ceil_mode=True)
    F.lp_pool2d(<x>[None].abs(), 2, 1); F.adaptive_avg_pool2d(<x>[None], 2)
    F.adaptive_avg_pool2d(<x>[None, None], (1, None)); F.adaptive_max_pool2d(<k>[None], 2)
    F.adaptive_avg_pool1d(<x>, 2); F.interpolate(<x>[None, None], scale_factor=2)
    F.interpolate(<x>[None, None], (3, 2), mode="bilinear")
    F.interpolate(<x>[None], 3, mode="linear", align_corners=True)
    F.interpolate(<x>[None, None], (2, 4), mode="bicubic"); F.pixel_shuffle(<x>.expand(4, *<x>.shape), 2)
    F.fold(F.unfold(<x>[None, None], 1), <x>.shape, 1); F.local_response_norm(<x>[None], 2)
    F.max_pool2d(<k>[None], 2, 1, return_indices=True)[1]; F.adaptive_max_pool1d(<k>, 2)
    F.pixel_unshuffle(<x>[None, :2, :2], 2)
"""
LAYERS = """
    <m> = fill(nn.Linear(<x>.shape[-1], 2)); <m> = fill(nn.Linear(<x>.shape[-1], <x>.shape[-1], bias=<keep>))
    <m> = nn.BatchNorm1d(<x>.shape[1]); <m> = fill(nn.LayerNorm(<x>.shape[-1]))
    <m> = fill(nn.Sequential(nn.Linear(<x>.shape[-1], 3), nn.Tanh(), nn.Linear(3, <x>.shape[-1])))
    <m> = fill(nn.Conv1d(<x>.shape[-2], 2, 2, padding=1))
    <m> = fill(nn.Sequential(nn.Conv1d(<x>.shape[-2], 2, 1), nn.GELU())); <m> = nn.Dropout(0.5).eval()
    <m> = fill(nn.Conv1d(<x>.shape[-2], 2, 2, padding="same", padding_mode="circular"))
    <m> = nn.InstanceNorm1d(<x>.shape[1], affine=True); <m> = fill(nn.Bilinear(<x>.shape[-1], <x>.shape[-1], 2))
    <m> = fill(nn.PReLU()); <m> = nn.Softmax(<d>); <m> = nn.Unflatten(0, (1, -1))
    <m> = nn.BatchNorm1d(<x>.shape[1], momentum=None, track_running_stats=<keep>); <m> = nn.GroupNorm(1, <x>.shape[1])
    <m> = nn.RMSNorm(<x>.shape[-1])
"""
USING = """
    <layer>(<x>); <layer>(<x>); <layer>(<layer>(<x>)); <layer>.eval()(<x>); <layer>(<x>.detach())
"""
LOSSES = """
    F.mse_loss(<x>, <same>); F.mse_loss(<x>, <same>, reduction="sum"); F.l1_loss(<e>, <like>)
    F.smooth_l1_loss(<k>, <like>, beta=0.5); F.huber_loss(<k>, <like>, delta=0.7); F.cross_entropy(<x>, <classes>)
    F.cross_entropy(<x>, <classes>, label_smoothing=0.1)
    F.cross_entropy(<x>, <classes>, reduction="sum", ignore_index=1); F.cross_entropy(<x>, <like>.softmax(1))
    F.nll_loss(<x>.log_softmax(1), <classes>); F.cross_entropy(<x>, <classes>, num(<x>.shape[1]) ** 2 + 0.5)
    F.binary_cross_entropy_with_logits(<x>, (<like> > 0).float())
    F.binary_cross_entropy(<x>.sigmoid(), (<like> > 0).float())
    F.kl_div(<x>.log_softmax(-1), <like>.softmax(-1), reduction="batchmean")
    F.hinge_embedding_loss(<k>, <like>.sign()); F.soft_margin_loss(<x>, (<like> > 0) * 2.0 - 1)
    F.poisson_nll_loss(<x>, <like> ** 2); F.gaussian_nll_loss(<x>, <same>, <positive>)
    F.multi_margin_loss(<e>, <classes>); F.margin_ranking_loss(<e>, <like>, t.ones(1))
    F.mse_loss(<x>, <same>, reduction="none"); F.cosine_embedding_loss(<x>, <same>, t.ones(<x>.shape[0]))
    F.triplet_margin_loss(<x>, <same>, <like>); F.l1_loss(<e>, <like>, reduction="none")
"""
CHANGES = """
    <f>.mul_(<y>); <f>.add_(<y>); <f> += <y>; <f> -= <y>; <f> *= <y>; <f> /= <c>; <f>.sub_(<y>, alpha=2)
    <f>.div_(<positive>); <f>.add_(<same>, alpha=0.5); <f>.sin_(); <f>.exp_(); <f>.tanh_(); <f>.sigmoid_(); <f>.neg_()
    <f>.square_(); <f>.pow_(2); <f>.zero_(); <f>.fill_(<c>); <f>.copy_(<y>); <f>.copy_(<same>)
    <f>.masked_fill_(<mask>, <c>); <f>.addcmul_(<same>, <like>, value=2); <f>.lerp_(<same>, 0.5)
    <f>.clamp_(-1.125, 1.125); <f>[<index>] = <c>; <f>[<index>] = <c>; <f>[<index>] += <c>; <f>[<index>] *= 2
    <f>[<index>] = <f>[<index>] * 3; <f>[<index>] = <y>; <f>[<index>] = <any>[<index>]; <f><view>.mul_(2)
    <f><view>.add_(1); <f><view>.zero_(); <f><view>.copy_(<y>); <f><view> *= <c>; <f><view><view>.mul_(3)
    <f><view>.exp_(); <f><view>.sin_(); <f>.cumsum_(<d>); <f>.tril_(); <f>.index_fill_(<d>, <rows>, <c>)
    <f>.index_add_(<d>, <rows>, <same>.index_select(<d>, <rows>)); <f>.scatter_(<d>, <picks>, <same>)
    <f>.index_copy_(<d>, <rows>, <same>.index_select(<d>, <rows>)); <f>.scatter_add_(<d>, <picks>, <same>)
    <f>.index_put_((<rows0>,), t.tensor(float(<c>))); <f>[<like> > 0] = <c>; <f>[<like> > 0] *= 2
    F.relu(<f>, inplace=True); F.leaky_relu(<f>, 0.1, inplace=True); <f>.relu_(); F.silu(<f>, inplace=True)
    <f>.unsqueeze_(<d>); <f>.squeeze_(); <f>.t_(); <f>.transpose_(<d>, <d2>); <f>.detach_(); <f>.requires_grad_()
    <f>.retain_grad(); <any>.add_(1); <any>.mul_(<any>); <any>[<index>] = <c>
    <leaf>.add_(1); <f>.erf_(); <f>.abs_(); <f>.clamp_(min=0.1); <leaf><view>.mul_(2)
    <leaf>.detach()<view>.add_(1); <leaf>.requires_grad_(False)
"""
BACKWARD = """
    <s>.backward(); <s>.backward(retain_graph=True); <x>.backward(<like>); <x>.backward(<like>, retain_graph=True)
    <s>.backward(inputs=[<leaf>], retain_graph=True); <new> = t.autograd.grad(<s>, <leaf>, retain_graph=True)[0]
    <new> = t.autograd.grad(<s>, <leaf>, create_graph=True)[0]
    <new> = t.autograd.grad(<s>, <leaf>, create_graph=True, allow_unused=True)[0]
    <new> = t.autograd.grad(<x>, <leaf>, <like>, create_graph=True)[0]
    <new> = t.autograd.grad(<s>, <x>, create_graph=True)[0]; <s>.backward(create_graph=True); <leaf>.grad = None
    <leaf>.grad.zero_(); <leaf>.grad.mul_(0.5); <new> = <leaf>.grad; <new> = <leaf>.grad.clone()
    <leaf>.grad = <leaf>.grad * 2; <leaf>.sub_(<leaf>.grad * 0.25)
"""
ENDS = """
    <s>.backward(); <s>.backward(); <s>.backward(); (<s> + <s>).backward(); (<s> * <s>).backward()
    (<s> + <s> * <s> + <s>).backward(); (<s> - <s> + <s>).backward(); (<s> + <leaf>.sum()).backward()
    t.autograd.grad(<s>, <leaf>, create_graph=True)[0].square().sum().backward(); <s>.backward(create_graph=True)
    t.autograd.grad((<x> ** 2).sum(), <leaf>, create_graph=True)[0].sum().backward(); t.autograd.backward([<s>, <s>])
"""
SCALARS = """
    <x>.sum(); <x>.sum(); (<x> * <x>).sum(); <x>.sin().sum(); <x>.mean(); (<x> * <like>).sum(); <x>.square().mean()
    <x>.exp().mean(); (<x> * <x><samev>).sum()
"""
VIEWS = """
    [0]; [-1]; [:1]; [1:]; [..., 0]; [..., :1]; [:, 0]; [:, 1:]; [None]; [..., None]; [::2]; [:, ::2]; .t(); .T; .mT
    .transpose(<d>, <d2>); .view(-1); [None].flatten(); .unsqueeze(<d>); .squeeze(); .squeeze(<d>)
    .permute(*range(<x>.dim())[::-1]); .movedim(<d>, <d2>); .diagonal(); .diagonal(1); .narrow(<d>, 0, 1)
    .select(<d>, 0); .select(<d>, -1); .unbind(<d>)[0]; .split(1, <d>)[0]; .chunk(2, <d>)[-1]; .expand(2, *<x>.shape)
    .expand_as(<x>); .view(<sizes>); .reshape(<sizes>); .reshape(-1); .unflatten(<d>, (1, -1)); .swapaxes(<d>, <d2>)
    .ravel(); .unfold(<d>, 1, 1); .unfold(<d>, 2, 1); .view_as(<x>); .detach(); .contiguous(); [()]; [...]
"""


def table(text: str) -> list[str]:
    return [entry.strip() for line in text.strip().splitlines() for entry in line.split(";")]


VALUES = [
    (5, POINTWISE), (2, KINKED), (3, REDUCING), (4, SHAPING), (1, PRODUCTS), (1, NETWORKS), (1, LOSSES), (1, USING)
]  # fmt: skip
LINES = [(1, LAYERS), (5, CHANGES), (2, BACKWARD)]
TABLES = {text: table(text) for text in (*(x for _, x in VALUES + LINES), ENDS, SCALARS, VIEWS)}
SHAPES = [
    (), (1,), (2,), (3,), (4,), (2, 2), (2, 3), (3, 2), (1, 3), (3, 1), (3, 3), (4, 2), (2, 1, 2), (2, 2, 2), (2, 3, 2),
    (1, 2, 3), (0,), (2, 0),
]  # fmt: skip
DTYPES = ["float32"] * 12 + ["float64"] * 2 + ["int64", "int32", "uint8", "bool", "float16"]
NUMBERS = "2 3 -1 0.5 -0.25 1.5 0 1 2.0".split()
NAMES = "abcdefghijklnopqrsuvwxyz"  # t is the library, modules are called m


class Maker:
    """Makes one program, and keeps what it has come to in PyTorch."""

    def __init__(self, seed: int):
        self.draw = random.Random(seed)
        self.lines: list[str] = []
        self.names = start("torch")
        self.spoiled = False  # PyTorch does not show one of its tensors any more
        self.full = False  # whether a tensor without elements is of no use to the line
        self.last: Any = None  # the tensor that the line is about, and what it is called
        self.called = ""

    # a program

    def program(self, length: int) -> list[str]:
        for _ in range(self.draw.choice([1, 2, 2, 3])):
            self.number()
        ended = False
        while len(self.lines) < length and not ended and not self.spoiled:
            ended = self.another(self.draw.random())
        tries = iter(range(20))
        while not ended and not self.spoiled:
            ended = self.attempt(self.drawn(ENDS)) or next(tries, None) is None
        return self.lines

    def number(self) -> None:
        shape = self.draw.choice(SHAPES)
        dtype = self.draw.choice(DTYPES if self.lines else DTYPES[:1])
        options = f"seed={self.draw.randrange(99)}"
        if dtype != "float32":
            options += f', dtype="{dtype}"'
        if "float" in dtype and (not self.lines or self.draw.random() < 0.7):
            options += ", grad=True"
        self.attempt(f"{self.fresh()} = num({', '.join([*map(str, shape), options])})")

    def another(self, luck: float) -> bool:
        """Add one more line; whether it was refused, and the program ends with it."""
        tables = VALUES if luck < 0.65 else LINES
        text = self.draw.choices([x for _, x in tables], [n for n, _ in tables])[0]
        line = self.drawn(text)
        if tables is VALUES:
            line = f"{self.fresh()} = {line}"
        if self.draw.random() < 0.07 and tables is LINES and not re.search(r"\b(t|transpose)_\(", line):
            line = f"with t.no_grad(): {line}"  # where PyTorch turns a tensor, but not its gradient
        if self.attempt(line):
            return False
        if self.draw.random() < 0.03:
            self.lines.append(line)
            return True
        return False

    def attempt(self, line: str) -> bool:
        """Run a line, and keep it if it is not refused."""
        if "pass" in line:
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(line, self.names)
            except Exception:
                return False
            try:
                dict(left_behind(self.names))
            except RuntimeError:  # one of several views, which PyTorch does not even show after its base was changed
                self.spoiled = True
                return False
        self.lines.append(line)
        name = line.removeprefix("with t.no_grad(): ").split()[0]
        made = self.names.get(name)
        if isinstance(made, torch.Tensor) and (made.numel() > 40 or not small(made)):
            self.names.pop(name)  # nothing more comes of it
        return True

    # what is drawn

    def drawn(self, text: str) -> str:
        self.last, self.full = None, text in (PRODUCTS, NETWORKS, LOSSES, USING)
        try:
            return self.filled(self.draw.choice(TABLES[text]))
        except LookupError:  # there is no such tensor yet
            return "pass"

    def filled(self, entry: str) -> str:
        return re.sub(r"<(\w+)>", lambda found: getattr(self, f"_{found[1]}")(), entry)

    def tensors(self) -> dict[str, torch.Tensor]:
        return {k: x for k, x in self.names.items() if len(k) == 1 and isinstance(x, torch.Tensor)}

    def fresh(self) -> str:
        free = [name for name in NAMES if name not in self.names]
        return free[0] if free and self.draw.random() < 0.95 else self.draw.choice(NAMES)

    def one(self, fits: Any) -> str:
        """A tensor that the rest of the line is about; the young ones more often."""
        if self.last is not None and fits(self.last) and self.draw.random() < 0.8:
            return self.called
        found = [(name, x) for name, x in self.tensors().items() if fits(x)]
        name, x = (
            found[max(self.draw.randrange(len(found)), self.draw.randrange(len(found)))] if found else (None, None)
        )
        if name is None:
            raise LookupError
        if self.last is None:
            self.last, self.called = x, name
        return name

    def _x(self) -> str:
        if self.last is not None:
            return self.called
        return self.one(lambda x: x.is_floating_point() and (x.numel() > 0 or not self.full))

    def _k(self) -> str:
        return self.one(lambda x: x.is_floating_point() and apart(x) and (x.numel() > 0 or not self.full))

    def _u(self) -> str:
        return self.one(lambda x: x.is_floating_point() and len(np.unique(numbers(x))) == x.numel() and apart(x))

    def _e(self) -> str:
        return self.one(lambda x: x.is_floating_point() and exact(x))

    def _f(self) -> str:
        return self.one(lambda x: x.is_floating_point() and not (x.is_leaf and x.requires_grad))

    def _any(self) -> str:
        return self.one(lambda x: True)

    def _leaf(self) -> str:
        found = [name for name, x in self.tensors().items() if x.is_leaf and x.requires_grad]
        if not found:
            raise LookupError
        name = self.draw.choice(found)
        if self.last is None:
            self.last, self.called = self.names[name], name
        return name

    def shape(self) -> tuple[int, ...]:
        self._x()
        return tuple(self.last.shape)

    def _same(self) -> str:
        shape = self.shape()
        found = [name for name, x in self.tensors().items() if x.shape == shape and x.is_floating_point()]
        return self.draw.choice(found) if found and self.draw.random() < 0.7 else self._like()

    def _like(self) -> str:
        return f"num({', '.join([*map(str, self.shape()), f'seed={self.draw.randrange(99)}'])})"

    def _positive(self) -> str:
        return f"({self._like()} ** 2 + 0.5)"

    def _y(self) -> str:
        if self.draw.random() < 0.2:
            return self._c()
        shape = self.shape()
        found = [name for name, x in self.tensors().items() if x.is_floating_point() and joins(x.shape, shape)]
        if found and self.draw.random() < 0.6:
            return self.draw.choice(found)
        shape = tuple(n if self.draw.random() < 0.6 else 1 for n in shape[self.draw.randrange(len(shape) + 1) :])
        return f"num({', '.join([*map(str, shape), f'seed={self.draw.randrange(99)}'])})"

    def _mask(self) -> str:
        shape = self.shape()
        shape = shape if self.draw.random() < 0.6 else shape[1:]
        return f'num({", ".join([*map(str, shape), f"seed={self.draw.randrange(99)}"])}, dtype="bool")'

    def _c(self) -> str:
        return self.draw.choice(NUMBERS)

    def _keep(self) -> str:
        return self.draw.choice(["True", "False"])

    def _d(self) -> str:
        n = max(1, len(self.shape()))
        return str(self.draw.randrange(-n, n))

    _d2 = _d

    def length(self) -> int:
        """Of the last <d> there is none to ask, so: of the shortest axis."""
        return min(self.shape(), default=1)

    def indices(self, among: range, n: int) -> str:
        return f"t.tensor({[self.draw.choice(among) for _ in range(n)]})" if among else "t.zeros(0, dtype=t.int64)"

    def _rows(self) -> str:
        n = self.length()
        return self.indices(range(n), self.draw.choice([1, 2]))

    def _rows0(self) -> str:
        n = self.shape()[0] if self.shape() else 1
        return self.indices(range(-n, n), self.draw.choice([1, 2]))

    def _picks(self) -> str:
        shape = ", ".join([*map(str, self.shape()), f"seed={self.draw.randrange(99)}"])
        return f'num({shape}, dtype="uint8").long()' + (f".clamp(max={self.length() - 1})" if self.length() < 3 else "")

    def _places(self) -> str:
        n = math.prod(self.shape())
        return self.indices(range(-n, n), 3)

    def _classes(self) -> str:
        if len(self.shape()) < 2:
            raise LookupError
        n = self.shape()[1]
        shape = self.shape()[:1] + self.shape()[2:]
        return f'num({", ".join([*map(str, shape), f"seed={self.draw.randrange(99)}"])}, dtype="uint8").long() % {n}'

    def _sizes(self) -> str:
        n = math.prod(self.shape())
        sizes = [self.draw.choice([s for s in range(1, n + 1) if n % s == 0] or [0])]
        sizes.append(n // sizes[0] if sizes[0] else self.draw.choice([1, 2]))
        if self.draw.random() < 0.3:
            sizes[self.draw.randrange(2)] = -1
        if self.draw.random() < 0.2:
            sizes.insert(self.draw.randrange(3), 1)
        return ", ".join(map(str, sizes))

    def _index(self) -> str:
        """An index of the tensor: of its first axes, one each."""
        parts = [self._place(max(n, 1)) for n in self.shape()[: self.draw.choice([1, 1, 2, 3])]]
        return ", ".join(parts) or self.draw.choice(["()", "...", "None"])

    def _place(self, n: int) -> str:
        """An index of an axis of length n."""
        i, j, k = self.draw.randrange(n), self.draw.randrange(n), self.draw.randrange(-n, n)
        tensors = [f"t.tensor({i})", f"t.tensor([{i}, {j}])", f"t.tensor([[{k}]])"]
        mask = f'num({n}, seed={self.draw.randrange(99)}, dtype="bool")'
        slices = [":", "::2", f"{k}:", f":{j}", f"{i}:{j + 1}", "None", "..."]
        return self.draw.choice([str(i), str(k), *slices, f"[{i}]", f"[{i}, {k}]", *tensors, mask])

    def _view(self) -> str:
        return self.filled(self.draw.choice(TABLES[VIEWS]))

    def _samev(self) -> str:
        return self.draw.choice(["", ".flip(0)", ".detach()", ".clone()", ".roll(1)"])

    def _s(self) -> str:
        """One number to go back from."""
        kept = self.last, self.called
        try:
            self.last = None
            self.one(lambda x: x.is_floating_point() and x.requires_grad)
            return self.filled(self.draw.choice(TABLES[SCALARS]))
        finally:
            if kept[0] is not None:
                self.last, self.called = kept

    def _new(self) -> str:
        return self.fresh()

    def _m(self) -> str:
        return "m" + str(sum(name[0] == "m" for name in self.names) or "")

    def _layer(self) -> str:
        found = [name for name, x in self.names.items() if isinstance(x, torch.nn.Module)]
        if not found:
            raise LookupError
        return self.draw.choice(found)


# What a tensor's numbers are like.


def numbers(x: torch.Tensor) -> np.ndarray:
    return x.detach().double().numpy().ravel()


def small(x: torch.Tensor) -> bool:
    return not x.numel() or x.is_complex() or bool(np.abs(np.nan_to_num(numbers(x))).max() < 1e4)


def exact(x: torch.Tensor) -> bool:
    """Whether they are multiples of 1/64 that float16 can hold."""
    v = numbers(x) * 64
    return bool((v == np.rint(v)).all() and (np.abs(v) < 1024).all())


def apart(x: torch.Tensor) -> bool:
    """Whether rounding cannot change which is the larger, nor the sign."""
    v = np.sort(np.nan_to_num(np.append(numbers(x), 0)))
    return exact(x) or bool((np.diff(v) > 1e-3 * max(1, np.abs(v).max())).all())


def joins(a: Any, b: Any) -> bool:
    return all(m == n or m == 1 or n == 1 for m, n in zip(tuple(a)[::-1], tuple(b)[::-1]))


def program(seed: int) -> list[str]:
    maker = Maker(seed)
    return maker.program(maker.draw.randrange(4, 13))


def faults(seeds: Iterable[int]) -> Iterator[str]:
    """The programs that do not do here what they do in PyTorch: the lines that it takes, and the difference."""
    for seed in seeds:
        lines = program(seed)
        if fault(lines):
            lines = smallest(lines)
            yield f"\n# seed {seed}\n{runnable(lines)}\n{fault(lines)}\n"


def choose(path: Path, n: int) -> None:
    """Write the first n programs that are right here and do not hang on rounding."""
    told: list[str] = []
    for seed in itertools.count():
        if len(told) == n:
            break
        lines = program(seed)
        answer = play(lines, "torch")
        others = differs(answer, play(lines, "tinygrad_cnn")), differs(answer, play(lines, "torch", double=True), False)
        if not any(others):
            told.append(chosen(lines, answer))
    path.write_text("\n".join(told))


if __name__ == "__main__":  # choose, or: how many, and perhaps from which seed on
    if sys.argv[1:] == ["choose"]:
        choose(Path(__file__).parent / "programs.txt", 300)
    else:
        n, first = (int(a) for a in [*sys.argv[1:], random.randrange(10**9)][:2])
        for told in faults(range(first, first + n)):
            print(told, flush=True)
