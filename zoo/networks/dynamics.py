"""Dynamics: networks of time and state whose divergence comes by pushing directions through them.

Layers of FFJORD (Grathwohl et al., 2019, arXiv:1810.01367, appendix B and the authors' code).
"""

import math

import keras
from keras import ops

from zoo import backend
from zoo.config import choice, count, register
from zoo.networks.conditioner import check_hidden_units, get_activation, seed_stream

KINDS = ("concatsquash", "squash", "concat")
# What each activation's slope is, given its input and its output.
_SLOPES = {
    "tanh": lambda a, h: 1.0 - h * h,
    "softplus": lambda a, h: ops.sigmoid(a),
    "silu": lambda a, h: h + ops.sigmoid(a) * (1.0 - h),
    "sigmoid": lambda a, h: h * (1.0 - h),
}


@register("zoo.networks")
class Dynamics(keras.layers.Layer):
    """Velocity `f(t, x; context) [n, d]` of an ordinary differential equation.

    With `c = (t, context)` each layer computes `gate(c) * (h W + b) + shift(c)`, between layers
    the activation: `"concatsquash"` has `gate(c) = sigmoid(c G + g)` and `shift(c) = c S`,
    `"squash"` only the gate, and `"concat"` only the shift, which is a plain network of
    `(h, c)`. The activation should be smooth: a solver of order 5 takes its steps at the kinks.

    The divergence `tr(df/dx)` is found in the same pass, forward: directions `e` are carried
    through the layers as `J e`. All `d` of them give it exactly; the first layer and the last then
    cost nothing extra, for of the first only the rows of `W` are needed, and of the last only the
    diagonal. A few random ones give Hutchinson's estimate, `mean e^T J e`.

    Args:
      size: Length `d` of the state.
      hidden_units: Width of each hidden layer; may be empty.
      activation: Name of a Keras activation.
      kind: `"concatsquash"`, `"squash"` or `"concat"`.
      context_size: Length of the context, or `None`.
      time_features: How many pairs `sin(pi k t), cos(pi k t)`, `k = 1, 2, ...`, stand beside `t`.
      state_features: How many pairs `sin(k x_i), cos(k x_i)`, `k = 1, 2, ...`, stand beside each
        `x_i`: sharp edges are learned sooner (Tancik et al., 2020, arXiv:2006.10739).
      residual: Adds the input of a hidden layer to its output where they are of one width.
      seed: Seed of the initial weights. The last layer starts at zero, an identity in time.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        size,
        hidden_units=(64, 64, 64),
        activation="tanh",
        kind="concatsquash",
        context_size=None,
        time_features=0,
        state_features=0,
        residual=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        choice("dynamics", kind, KINDS)
        time_features = count("time_features", time_features, least=0)
        state_features = count("state_features", state_features, least=0)
        self.size, self.kind, self.residual = size, kind, bool(residual)
        self.time_features, self.context_size = time_features, context_size
        self.state_features = state_features
        self._activation = get_activation(activation)
        self._slope = _SLOPES.get(getattr(self._activation, "__name__", None))
        self._parts = []  # One dictionary a layer.
        seeds, inputs = seed_stream(seed), size * (1 + 2 * state_features)
        for units in (*check_hidden_units(hidden_units), size):
            last = len(self._parts) == len(hidden_units)
            self._parts.append(self._layer(len(self._parts), inputs, units, last, seeds))
            inputs = units
        self.built = True

    def _layer(self, number, inputs, units, last, seeds):
        def glorot():
            return keras.initializers.GlorotUniform(next(seeds))

        def add(name, shape, initializer):
            return self.add_weight(name=f"{name}_{number}", shape=shape, initializer=initializer)

        conditions = 1 + 2 * self.time_features + (self.context_size or 0)
        made = {
            "kernel": add("kernel", (inputs, units), "zeros" if last else glorot()),
            "bias": add("bias", (units,), "zeros"),
        }
        if self.kind != "concat":
            made["gate"] = add("gate", (conditions, units), glorot())
            # Mostly open: half-open gates would halve the signal at every layer.
            made["gate_bias"] = add("gate_bias", (units,), keras.initializers.Constant(2.0))
        if self.kind != "squash":
            made["shift"] = add("shift", (conditions, units), "zeros" if last else glorot())
        return made

    def values(self):
        """Today's weights, as `apply` takes them: one dictionary of tensors a layer."""
        return [{k: backend.value(v) for k, v in layer.items()} for layer in self._parts]

    def call(self, t, x, context=None):
        """Velocity `[n, d]` at times `t [n]` and states `x [n, d]`, given `context [n, c]`."""
        return self.apply(self.values(), t, x, context)[0]

    def apply(self, values, t, x, context=None, directions=None):
        """The velocity and its divergence; reads no variable, for solvers' own gradients.

        Args:
          values: What `values()` gave.
          t: Times `[n]`.
          x: States `[n, d]`.
          context: `[n, c]`, or `None`.
          directions: `None` for no divergence, `"basis"` for the exact one, or `[n, k, d]` random
            ones of mean zero and unit covariance.

        Returns:
          Velocity `[n, d]`, and divergence `[n]`, zeros where none was asked for.
        """
        conditions, exact = self._conditions(t, context), isinstance(directions, str)
        h, slopes = self._features(x)
        moves = None if exact or directions is None else _through(slopes, directions)
        for number, layer in enumerate(values):
            gate = None
            if "gate" in layer:
                gate = ops.sigmoid(ops.matmul(conditions, layer["gate"]) + layer["gate_bias"])
            a = ops.matmul(h, layer["kernel"]) + layer["bias"]
            a = a if gate is None else a * gate
            if "shift" in layer:
                a = a + ops.matmul(conditions, layer["shift"])
            if number + 1 == len(values):
                break
            before = h
            h, slope = self._activate(a)
            skip = self.residual and number > 0 and before.shape[-1] == h.shape[-1]
            h = h + before if skip else h
            if directions is not None:
                slope = slope if gate is None else slope * gate
                pushed = _rows(slopes, layer) if moves is None else _product(moves, layer)
                pushed = slope[:, None, :] * pushed
                moves = pushed + moves if skip else pushed
        if directions is None:
            return a, ops.zeros_like(t)
        if moves is None:  # No hidden layer.
            moves = _rows(slopes, layer)
            diagonal = ops.diagonal(moves, axis1=1, axis2=2) + ops.zeros_like(x)
            return a, ops.sum(diagonal if gate is None else diagonal * gate, axis=-1)
        return a, _divergence(layer, gate, moves, None if exact else directions)

    def _features(self, x):
        """The state with its features `[n, f * d]`, and their slopes, `f` tensors `[n, d]`."""
        values, slopes = [x], [None]
        for k in range(1, self.state_features + 1):
            sine, cosine = ops.sin(k * x), ops.cos(k * x)
            values += [sine, cosine]
            slopes += [k * cosine, -k * sine]
        return ops.concatenate(values, axis=-1) if len(values) > 1 else x, slopes

    def _conditions(self, t, context):
        parts = [t[:, None]]
        for k in range(1, self.time_features + 1):
            parts += [ops.sin(math.pi * k * parts[0]), ops.cos(math.pi * k * parts[0])]
        if context is not None:
            parts.append(ops.cast(context, t.dtype))
        return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def _activate(self, a):
        if self._slope is None:
            h, pull = backend.vjp(self._activation, a)
            return h, pull(ops.ones_like(a))[0]
        h = self._activation(a)
        return h, self._slope(a, h)


def _product(moves, layer):
    """`[n, k, inputs]` times the kernel, as one matrix product."""
    kernel = layer["kernel"]
    flat = ops.matmul(ops.reshape(moves, (-1, kernel.shape[0])), kernel)
    return ops.reshape(flat, (-1, moves.shape[1], kernel.shape[1]))


def _through(slopes, directions):
    """Directions `[n, k, d]` of the state as directions of its features, `[n, k, f * d]`."""
    moved = [directions if s is None else directions * s[:, None, :] for s in slopes]
    return ops.concatenate(moved, axis=-1) if len(moved) > 1 else directions


def _rows(slopes, layer):
    """What the first layer makes of all directions of the state, `[n or 1, d, units]`."""
    kernels = ops.split(layer["kernel"], len(slopes), axis=0)
    moved = kernels[0][None]
    for slope, kernel in zip(slopes[1:], kernels[1:], strict=True):
        moved = moved + slope[:, :, None] * kernel
    return moved


def _divergence(layer, gate, moves, directions):
    """The trace `[n]` from what reaches the last layer."""
    if directions is not None:
        out = _product(moves, layer)
        out = out if gate is None else out * gate[:, None, :]
        return ops.mean(ops.sum(out * directions, axis=-1), axis=-1)
    diagonal = ops.sum(moves * ops.transpose(layer["kernel"]), axis=-1)
    return ops.sum(diagonal if gate is None else diagonal * gate, axis=-1)
