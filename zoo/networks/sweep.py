"""The sequential direction of a MADE, and its gradient, each for about the work of one pass."""

import numpy as np
from keras import ops

from zoo import backend


class Sweep:
    """Runs a MADE through the dimensions in order; each step sees all outcomes before it.

    At step `i` only the hidden units that `x_i-1` completes are computed, each layer's from the
    finished units of the layer before, so a whole sweep costs about the arithmetic of one pass.

    Backends cannot differentiate such a loop, or only at the cost of all its steps' states. What a
    sweep finds is the fixed point `x = T(noise; h(x))`, so its gradient is that of one dense pass
    at fixed `x`, applied to the solution `m` of `m = upstream + A^T m`, with `A = dT/dx`. `A` is
    strictly triangular: a second sweep, last dimension first, solves the system. The gradient of
    that solution is found by the same argument, so that gradients of any order exist.

    Args:
      degrees: Sorted integer arrays, one a hidden layer: how many leading inputs each unit sees.
      size: Number of dimensions `d`.
      num_params: Number of outputs a dimension.
      activation: Function of the hidden units.
      residual: Whether every second hidden layer's input is added to the output of the next one.
    """

    def __init__(self, degrees, size, num_params, activation, residual):
        self._widths = [len(d) for d in degrees]
        self._groups = [_group(d, size) for d in degrees]
        self._size, self._num_params = size, num_params
        self._activation, self._residual = activation, residual
        widths = tuple(tuple(map(int, d)) for d in degrees)
        # Equal where sweeps do the same with the same weights.
        self.structure = (widths, size, num_params, activation, bool(residual))

    def __call__(self, step, noise, weights, dtype):
        """Sweeps.

        Args:
          step: `(noise [..., *], parameters [..., num_params]) -> (x [...], l [...])`, entry by
            entry, at any leading shape.
          noise: Tensor `[n, d, *]`.
          weights: Kernels `[outputs, inputs]` and biases `[outputs, 1 or n]`, one each a layer.
          dtype: Type of the outcome.

        Returns:
          `x [n, d]`, and the sum of the `l_i`, `[n]`.
        """

        def forward(noise, weights):
            return self.outcome(step, noise, weights, dtype)

        def gradient(args, outputs, upstream):
            return self._gradient(step, args, outputs[0], *upstream)

        def tangent(args, outputs, along):
            return self._tangent(step, args, outputs[0], along)

        return backend.with_gradient(forward, gradient, tangent)(noise, weights)

    def outcome(self, step, noise, weights, dtype, seen=lambda x: x):
        """As a call, for what needs no gradient: `step` may then look at all events at once.

        The network sees `seen(x)` of what comes out, entry by entry.
        """
        by_dimension = ops.moveaxis(noise, 1, 0)
        return self._ascend(
            weights,
            lambda layer, start, units: self._activation(units),
            lambda i, params: step(by_dimension[i], ops.cast(params, dtype)),
            ops.shape(noise)[0],
            dtype,
            seen,
        )

    def _ascend(self, weights, activate, outcome, n, dtype, seen=lambda x: x):
        """The loop, first dimension first.

        `activate(layer, start, units)` is applied to the units from `start` on, and `outcome(i,
        params [n, num_params])` gives `x_i` and `l_i`, `[n]` each.
        """
        kernels, biases = weights
        compute, count = kernels[0].dtype, len(self._widths)

        def body(i, state):
            columns, total, out, *hidden = state
            below, skips = columns, hidden[count:]
            for layer, (starts, width) in enumerate(self._groups):
                start = ops.convert_to_tensor(starts)[i]
                units = _product(kernels[layer], biases[layer], below, start, width)
                if self._residual and layer % 2 == 0:
                    if layer > 0:
                        units = units + _rows(skips[layer // 2 - 1], start, width)
                    skips[layer // 2] = _put(skips[layer // 2], start, units)
                hidden[layer] = below = _put(hidden[layer], start, activate(layer, start, units))
            start = i * self._num_params
            params = _product(kernels[-1], biases[-1], below, start, self._num_params)
            value, log_det = outcome(i, ops.transpose(params))
            out = _put(out, i, value[None])
            columns = _put(columns, i, ops.cast(seen(value), compute)[None])
            return (columns, total + log_det, out, *hidden[:count], *skips)

        hidden = [ops.zeros((width, n), dtype=compute) for width in self._widths]
        columns = ops.zeros((self._size, n), dtype=compute)
        total, out = ops.zeros((n,), dtype=dtype), ops.zeros((self._size, n), dtype=dtype)
        skips = list(hidden[::2]) if self._residual else []
        state = backend.loop(self._size, body, (columns, total, out, *hidden, *skips))
        return ops.transpose(state[2]), state[1]

    def _dense(self, columns, weights, activate):
        """One dense pass over `columns [d, n]`: the inputs of `activate`, and parameters."""
        kernels, biases = weights
        below, skip, units = columns, None, []
        for layer, (kernel, bias) in enumerate(zip(kernels[:-1], biases[:-1], strict=True)):
            out = ops.matmul(kernel, below) + bias
            if self._residual and layer % 2 == 0:
                out = out if skip is None else out + skip
                skip = out
            units.append(out)
            below = activate(layer, out)
        params = ops.transpose(ops.matmul(kernels[-1], below) + biases[-1])
        return units, ops.reshape(params, (-1, self._size, self._num_params))

    def _params(self, x, weights):
        """Parameters `[n, d, num_params]` of `x [n, d]`, and the inputs of the activations."""
        columns = ops.transpose(ops.cast(x, weights[0][0].dtype))
        units, params = self._dense(columns, weights, lambda layer, u: self._activation(u))
        return ops.cast(params, x.dtype), units

    def _linearized(self, step, noise, x, weights):
        """How each parameter moves its own entry, and the slopes of the activations."""
        params, units = self._params(x, weights)
        slopes = [backend.vjp(self._activation, u)[1](ops.ones_like(u))[0] for u in units]
        ends = ops.ones_like(x), ops.zeros_like(x)
        return backend.vjp(lambda p: step(noise, p), params)[1](ends)[0], slopes

    def _gradient(self, step, args, x, of_x, of_total):
        noise, weights = args

        def from_noise(noise, weights):
            return step(noise, self._params(x, weights)[0])

        of_log_det = ops.broadcast_to(of_total[:, None], ops.shape(x))
        moves, slopes = self._linearized(step, noise, x, weights)
        # What each parameter adds through the log-determinant.
        through = ops.zeros_like(x), of_log_det
        adds = backend.vjp(lambda x: step(noise, self._params(x, weights)[0]), x)[1](through)[0]
        solved = self._solve(True, of_x + adds, moves, slopes, weights[0])
        return backend.vjp(from_noise, noise, weights)[1]((solved, of_log_det))

    def _tangent(self, step, args, x, along):
        noise, weights = args
        moves, slopes = self._linearized(step, noise, x, weights)
        given = moves, slopes, weights[0]

        def both(x, noise, weights):
            value, log_det = step(noise, self._params(x, weights)[0])
            return value, ops.sum(log_det, axis=-1)

        still = ops.zeros_like(x)
        direct = backend.jvp(both, (x, *args), (still, *along))[0]
        solved = backend.linear_solve(
            lambda m: m - self._product(False, m, *given),
            lambda v: self._ascend_linear(v, *given),
            lambda v: self._descend(v, *given),
            direct,
        )
        return solved, backend.jvp(both, (x, *args), (solved, *along))[1]

    def _solve(self, transposed, direct, moves, slopes, kernels):
        """The solution `m [n, d]` of `m = direct + A m`, or of `m = direct + A^T m`."""
        run = self._descend if transposed else self._ascend_linear

        def gradient(args, outputs, upstream):
            solved = self._solve(not transposed, upstream[0], *args[1:])
            return solved, *backend.vjp(
                lambda *rest: self._product(transposed, outputs[0], *rest), *args[1:]
            )[1](solved)

        own = backend.with_gradient(lambda *args: (run(*args),), gradient)
        return own(direct, moves, slopes, kernels)[0]

    def _product(self, transposed, vector, moves, slopes, kernels):
        """`A vector`, or `A^T vector`, `[n, d]`."""

        def product(vector):
            columns = ops.transpose(ops.cast(vector, kernels[0].dtype))
            weights = kernels, [0.0] * len(kernels)
            params = self._dense(columns, weights, lambda layer, u: u * slopes[layer])[1]
            return ops.sum(moves * ops.cast(params, moves.dtype), axis=-1)

        if transposed:
            return backend.vjp(product, ops.zeros_like(vector))[1](vector)[0]
        return product(vector)

    def _ascend_linear(self, direct, moves, slopes, kernels):
        by_dimension, moves = ops.transpose(direct), ops.moveaxis(moves, 1, 0)

        def activate(layer, start, units):
            return units * _rows(slopes[layer], start, units.shape[0])

        def outcome(i, params):
            value = by_dimension[i] + ops.sum(moves[i] * ops.cast(params, moves.dtype), axis=-1)
            return value, ops.zeros_like(value)

        weights = kernels, [None] * len(kernels)
        return self._ascend(weights, activate, outcome, ops.shape(direct)[0], direct.dtype)[0]

    def _descend(self, direct, moves, slopes, kernels):
        n, dtype, compute = ops.shape(direct)[0], direct.dtype, kernels[0].dtype
        kernels = [ops.transpose(kernel) for kernel in kernels]
        direct, moves = ops.transpose(direct), ops.transpose(moves, (1, 2, 0))
        count = len(self._widths)

        def body(i, state):
            i = self._size - 1 - i
            out, *above = state
            total = direct[i] + ops.cast(_product(kernels[0], None, above[0], i, 1)[0], dtype)
            out = _put(out, i, total[None])
            params = ops.cast(moves[i] * total, compute)
            above[count] = _put(above[count], i * self._num_params, params)
            for layer in reversed(range(count)):
                starts, width = self._groups[layer]
                start = ops.convert_to_tensor(starts)[i]
                units = _product(kernels[layer + 1], None, above[layer + 1], start, width)
                units = units * _rows(slopes[layer], start, width)
                if self._residual and layer % 2 == 0 and layer + 2 < count:
                    units = units + _rows(above[layer + 2], start, width)
                above[layer] = _put(above[layer], start, units)
            return (out, *above)

        widths = [*self._widths, self._size * self._num_params]
        above = [ops.zeros((width, n), dtype=compute) for width in widths]
        out = ops.zeros((self._size, n), dtype=dtype)
        return ops.transpose(backend.loop(self._size, body, (out, *above))[0])


def _group(degrees, size):
    """Where the units of each degree `0..d-1` start, and how many to compute at each step.

    A slice may reach into units of other degrees: finished ones are computed again to the same
    value, the others get a value that only weights of zero read before their own turn.
    """
    starts = np.searchsorted(degrees, np.arange(size), side="left")
    stops = np.searchsorted(degrees, np.arange(size), side="right")
    width = int((stops - starts).max())
    return np.minimum(starts, len(degrees) - width).astype(np.int32), width


def _rows(x, start, count):
    return ops.slice(x, (start, ops.zeros_like(start)), (count, ops.shape(x)[1]))


def _put(x, start, rows):
    return backend.put_rows(x, start, rows)


def _product(kernel, bias, x, start, count):
    rows = ops.matmul(_rows(kernel, start, count), x)
    return rows if bias is None else rows + _rows(bias, start, count)
