"""What an update rule is told besides arrays: the hyperparameters of a parameter group, by name, as plain numbers."""

from __future__ import annotations

from typing import NamedTuple


class SGDSettings(NamedTuple):
    lr: float
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    maximize: bool = False


class AdamSettings(NamedTuple):
    lr: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled: bool = False
    maximize: bool = False


class RMSpropSettings(NamedTuple):
    lr: float
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    maximize: bool = False


class AdagradSettings(NamedTuple):
    lr: float
    lr_decay: float = 0.0
    eps: float = 1e-10
    weight_decay: float = 0.0
    maximize: bool = False


class AdadeltaSettings(NamedTuple):
    lr: float
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0
    maximize: bool = False
