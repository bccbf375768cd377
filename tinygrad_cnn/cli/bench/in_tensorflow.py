"""Networks in TensorFlow as its guides write them: Keras layers and optimizer, and one tf.function for a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from .layers import (
    GPT,
    Activation,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    Layer,
    Linear,
    MaxPool,
    Mean,
    Reader,
    Residual,
    Shape,
    drawn_wide,
    walk,
)
from .networks import Workload


def model(layers: Sequence[Layer], shape: Shape, weights: Iterator[np.ndarray]) -> Any:
    """The network as a Keras model, which takes (N,H,W,C), with these weights of PyTorch's layout."""
    C, *size = shape
    inputs = keras.Input((*size, C))
    return keras.Model(inputs, apply(inputs, layers, shape, weights))


def apply(x: Any, layers: Sequence[Layer], shape: Shape, weights: Iterator[np.ndarray]) -> Any:
    for layer, start, end in walk(layers, shape):
        x = _apply(x, layer, start, end, weights)
    return x


def _apply(x: Any, layer: Layer, shape: Shape, end: Shape, weights: Iterator[np.ndarray]) -> Any:
    L = keras.layers

    def weighted(made: Any, *values: np.ndarray) -> Any:
        out = made(x)
        made.set_weights(values)
        return out

    match layer:
        case Conv(channels, window, stride, padding, bias):
            x, how = _padded(x, window, stride, padding)
            made = L.Conv2D(channels, window, stride, how, use_bias=bias)
            values = [next(weights).transpose(2, 3, 1, 0), *([next(weights)] if bias else [])]
            return weighted(made, *values)
        case Depthwise(window, stride):
            x, how = _padded(x, window, stride, window // 2)
            made = L.DepthwiseConv2D(window, stride, how, use_bias=False)
            return weighted(made, next(weights).transpose(2, 3, 0, 1))
        case BatchNorm():
            made = L.BatchNormalization(momentum=0.9, epsilon=1e-5)
            zero = np.zeros(shape[0], np.float32)
            return weighted(made, next(weights), next(weights), zero, zero + 1)
        case MaxPool(window, stride, padding):  # of what a ReLU has made: zeros around are as good as nothing
            x, how = _padded(x, window, stride, padding)
            return L.MaxPooling2D(window, stride, how)(x)
        case Mean():
            return L.GlobalAveragePooling2D(keepdims=True)(x)
        case Linear(features):
            x = L.Flatten()(x) if len(shape) > 1 else x
            weight = next(weights).reshape(features, *shape)  # from (C,H,W) to (H,W,C)
            weight = np.moveaxis(weight, 1, -1).reshape(features, -1).T
            return weighted(L.Dense(features), weight, next(weights))
        case Dropout(p):
            return L.Dropout(p)(x)
        case Activation(name):
            return L.Activation(name)(x)
        case GPT() | Reader():
            raise NotImplementedError(f"{type(layer).__name__} is written here for PyTorch alone")
        case Residual(body, shortcut):
            inner = apply(x, body, shape, weights)
            return L.Activation("relu")(L.Add()([inner, apply(x, shortcut, shape, weights)]))


def _padded(x: Any, window: int, stride: int, padding: int) -> tuple[Any, str]:
    """The input, and the padding that is left to the layer: "same" lies elsewhere where it strides."""
    if not padding:
        return x, "valid"
    if stride == 1 and 2 * padding == window - 1:
        return x, "same"
    return keras.layers.ZeroPadding2D(padding)(x), "valid"


class Network:
    """A model, its images and labels."""

    def __init__(self, library: str, workload: dict, threads: int):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        w = Workload(**workload)
        rng = np.random.default_rng(0)
        images, labels = w.images(rng)
        self.x, self.y = tf.constant(images.transpose(0, 2, 3, 1)), tf.constant(labels)
        net = self.net = model(w.layers(), w.image, iter(w.weights(drawn_wide, rng)))
        optimizer = keras.optimizers.SGD(0.001, momentum=0.9)
        optimizer.build(net.trainable_variables)
        self.loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = self.loss_of(y, net(x, training=True))
            gradients = tape.gradient(loss, net.trainable_variables)
            optimizer.apply_gradients(zip(gradients, net.trainable_variables, strict=True))
            return loss

        self._raw, self._step = step, tf.function(step)
        self._outputs = tf.function(lambda x: net(x, training=False))

    def step(self) -> Any:
        """A training step; its loss."""
        return self._step(self.x, self.y)

    def inference(self) -> Callable[[], Any]:
        return lambda: self._outputs(self.x)

    def losses(self, steps: int) -> list[float]:
        """The losses of the next steps, without dropout: where there is some, by a function traced without it."""
        dropouts = [layer for layer in self.net.layers if isinstance(layer, keras.layers.Dropout)]
        if not dropouts:
            return [float(self.step()) for _ in range(steps)]
        rates = [layer.rate for layer in dropouts]
        for layer in dropouts:
            layer.rate = 0
        without = tf.function(self._raw)
        losses = [float(without(self.x, self.y)) for _ in range(steps)]
        for layer, rate in zip(dropouts, rates, strict=True):
            layer.rate = rate
        return losses

    def loss(self, outputs: Any) -> float:
        return float(self.loss_of(self.y, outputs))
