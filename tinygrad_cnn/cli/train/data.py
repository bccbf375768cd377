"""What is learned: the images and labels that the options ask for, as the network takes them."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

import numpy as np

from .. import UserError


class Data(NamedTuple):
    """Images (N, C, H, W), of mean 0 and deviation 1 over the training images, and labels (N,)."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray

    @property
    def classes(self) -> int:
        return int(max(self.train_y.max(), self.test_y.max())) + 1

    def dataset(self) -> Any:
        """The pairs to train on."""
        import tinygrad_cnn as tg

        return tg.data.TensorDataset(tg.from_numpy(self.train_x), tg.from_numpy(self.train_y))


def load(args: argparse.Namespace) -> Data:
    from ...data import load as load_data

    try:
        train_x, train_y, test_x, test_y = load_data(args.data, args.root)
    except ValueError as error:
        raise UserError(error) from None
    n = args.limit or len(train_x)
    train_x, train_y = train_x[:n], train_y[:n]
    mean, std = float(train_x.mean()), float(train_x.std())
    return Data((train_x - mean) / std, train_y, (test_x - mean) / std, test_y)
