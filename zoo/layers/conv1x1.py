"""Invertible 1x1 convolution (Kingma and Dhariwal, 2018, arXiv:1807.03039, section 3.2)."""

import numpy as np
from keras import ops

from zoo import backend, bijectors
from zoo.backend import budget, read
from zoo.config import choice, register
from zoo.layers.act_norm import ActNorm
from zoo.layers.flow_layer import FlowLayer
from zoo.layers.images import image_shape
from zoo.layers.triangles import lower_and_upper
from zoo.networks import hoisted

KINDS = ("lu", "plain")


def rotation(size, seed=None):
    """A random rotation `[size, size]`, and its factors `P L U` with a positive diagonal in `U`.

    The rows of a rotation are turned about until the diagonal is positive: another rotation.

    Returns:
      Float64 arrays: the rotation, `P`, `L` (unit lower triangular) and `U` (upper triangular).
    """
    budget.reserve((size, size))
    draw = np.random.default_rng(seed).normal(size=(size, size))
    upper, lower, order = np.linalg.qr(draw)[0], np.eye(size), np.arange(size)
    for i in range(size):
        pivot = i + np.argmax(np.abs(upper[i:, i]))
        for array in (upper, order):
            array[[i, pivot]] = array[[pivot, i]]
        lower[[i, pivot], :i] = lower[[pivot, i], :i]
        lower[i + 1 :, i] = upper[i + 1 :, i] / upper[i, i]
        upper[i + 1 :] -= lower[i + 1 :, i : i + 1] * upper[i]
    signs = np.sign(np.diag(upper))
    lower, upper = lower * signs * signs[:, None], np.triu(upper) * signs[:, None]
    permutation = np.eye(size)[:, order]
    return permutation @ lower @ upper, permutation, lower, upper


@register("zoo.layers")
class Conv1x1(FlowLayer):
    """Invertible linear map of the channels, the same at every position; starts as a rotation.

    Data `x` has latent `W x` at each position and the log-determinant `h w log|det W|`. With
    `kind="lu"`, `W = P L U` with a fixed permutation, `L` unit lower triangular and `U` upper
    triangular with diagonal `softplus(.) + 1e-3` (eq. 10, with a diagonal that stays positive), so
    that it is invertible at any weights. With `kind="plain"`, `W` itself is learned (eq. 9).
    Matrices, determinants and inverses are computed in float64, once a call; what is as large as a
    batch is in the layer's own type.

    Args:
      event_shape: `(h, w, c)`.
      kind: `"lu"` or `"plain"`.
      seed: Seed of the rotation.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: The events are no images, or the kind is unknown.
    """

    min_diagonal = 1e-3

    def __init__(self, event_shape, kind="lu", seed=None, **kwargs):
        image_shape(event_shape, "Conv1x1")
        super().__init__(event_shape, **kwargs)
        self.kind = choice("kind", kind, KINDS)
        weight, permutation, lower, upper = rotation(self.event_shape[-1], seed)
        if kind == "plain":
            self.weight = self._add("weight", weight)
            return
        self.entries = self._add("entries", np.tril(lower, -1) + np.triu(upper, 1))
        diagonal = np.maximum(np.diag(upper) - self.min_diagonal, self.min_diagonal)
        self.diagonal = self._add("diagonal", np.log(np.expm1(diagonal)))
        # A weight, though fixed: a seed could not tell which rows were drawn as pivots.
        self.permutation = self._add("permutation", permutation, trainable=False)

    def _add(self, name, value, trainable=True):
        return self.add_weight(
            name=name,
            shape=value.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype),
            trainable=trainable,
        )

    def _wide(self, variable):
        # A matrix this small costs nothing in float64, and dozens of them are multiplied.
        return ops.cast(read(variable), backend.wide_dtype())

    def _factors(self):
        entries = self._wide(self.entries)
        diagonal = ops.softplus(self._wide(self.diagonal)) + self.min_diagonal
        return *lower_and_upper(entries, diagonal), ops.sum(ops.log(diagonal), axis=-1)

    def weight_and_log_det(self):
        """`W [*lead, c, c]` and `log|det W|`, in the widest type."""
        if self.kind == "lu":
            lower, upper, log_det = self._factors()
            return ops.matmul(self._wide(self.permutation), ops.matmul(lower, upper)), log_det
        weight = self._wide(self.weight)
        return weight, ops.slogdet(weight)[1]

    def inverse_and_log_det(self):
        """The inverse of `W [*lead, c, c]`, and its `-log|det W|`, in the widest type."""
        if self.kind == "lu":
            lower, upper, log_det = self._factors()
            # The inverse of a permutation is its transpose.
            rows = _transposed(self._wide(self.permutation))
            rows = ops.solve_triangular(lower, rows, lower=True)
            return ops.solve_triangular(upper, rows), -log_det
        weight = self._wide(self.weight)
        return ops.inv(weight), -ops.slogdet(weight)[1]

    def _encode(self):
        weight, log_det = self.weight_and_log_det()
        return _transposed(weight), None, log_det

    def _decode(self):
        inverse, log_det = self.inverse_and_log_det()
        return _transposed(inverse), None, log_det

    def bijector(self, context=None, randomness=None):
        height, width, _ = self.event_shape
        return bijectors.ChannelAffine(
            self._encode, self._decode, height * width, **self._options()
        )


@register("zoo.layers")
class ActNormConv1x1(FlowLayer):
    """`ActNorm` and then `Conv1x1`, composed into one affine map: one pass over memory.

    Data `x` has latent `W (x - a) exp(-s)` at each position; the scale goes into the columns of
    `W`, the shift into a bias, and the log-determinants add up.

    Args:
      event_shape: `(h, w, c)`.
      kind: See `Conv1x1`.
      seed: Seed of the rotation.
      **kwargs: `dtype` and `name` of a Keras layer.

    Attributes:
      act_norm: The `ActNorm`.
      conv: The `Conv1x1` after it.
    """

    hoists = {"inverse": {"_encode": 3}, "forward": {"_decode": 3}}

    def __init__(self, event_shape, kind="lu", seed=None, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.act_norm = ActNorm(event_shape, dtype=self.dtype_policy)
        self.conv = Conv1x1(event_shape, kind, seed, dtype=self.dtype_policy)

    def adapt(self, x, context=None):
        self.act_norm.adapt(x)

    def _norm(self):
        return (ops.cast(x, backend.wide_dtype()) for x in self.act_norm.shift_and_log_scale())

    def _narrow(self, *results):
        # Here, once for all the steps of a `Repeat`, and not in each of them.
        return tuple(ops.cast(x, self.variable_dtype) for x in results)

    def _encode(self):
        (weight, log_det), (shift, log_scale) = self.conv.weight_and_log_det(), self._norm()
        scaled = weight * ops.expand_dims(ops.exp(-log_scale), -2)
        bias = -ops.sum(scaled * ops.expand_dims(shift, -2), axis=-1)
        return self._narrow(_transposed(scaled), bias, log_det - ops.sum(log_scale, axis=-1))

    def _decode(self):
        (inverse, log_det), (shift, log_scale) = self.conv.inverse_and_log_det(), self._norm()
        matrix = _transposed(inverse) * ops.expand_dims(ops.exp(log_scale), -2)
        return self._narrow(matrix, shift, log_det + ops.sum(log_scale, axis=-1))

    def bijector(self, context=None, randomness=None):
        height, width, _ = self.event_shape
        return bijectors.ChannelAffine(
            lambda: hoisted(self, "_encode"),
            lambda: hoisted(self, "_decode"),
            height * width,
            **self._options(),
        )


def _transposed(matrices):
    return ops.swapaxes(matrices, -1, -2)
