"""Transformers that shift and scale."""

from keras import ops

from zoo import bijectors
from zoo.config import positive, register, share
from zoo.numerics import soft_clamp
from zoo.transformers.base import Transformer, columns


@register("zoo.transformers")
class Additive(Transformer):
    """`x = z + t`, the additive coupling law of NICE (Dinh et al., 2015, eq. 5)."""

    num_params = 1

    def bijector(self, params):
        return bijectors.Shift(*columns(params))


@register("zoo.transformers")
class Scale(Transformer):
    """`x = z exp(s)`, with `s` softly clamped to `max_log_scale` in magnitude.

    Args:
      max_log_scale: Bound of the log-scale, nats.
    """

    num_params = 1

    def __init__(self, max_log_scale=8.0):
        self.max_log_scale = positive("max_log_scale", max_log_scale)

    def bijector(self, params):
        log_scale = soft_clamp(*columns(params), self.max_log_scale)
        return bijectors.Affine(ops.zeros_like(log_scale), log_scale)

    def get_config(self):
        return {"max_log_scale": self.max_log_scale}


@register("zoo.transformers")
class Affine(Transformer):
    """`x = z exp(s) + t` (Dinh et al., 2017, eq. 7; Papamakarios et al., 2017, eq. 4).

    Args:
      max_log_scale: The log-scale `s` is softly clamped to this magnitude, nats.
    """

    num_params = 2

    def __init__(self, max_log_scale=3.0):
        self.max_log_scale = positive("max_log_scale", max_log_scale)

    def bijector(self, params):
        shift, log_scale = columns(params)
        return bijectors.Affine(shift, soft_clamp(log_scale, self.max_log_scale))

    def get_config(self):
        return {"max_log_scale": self.max_log_scale}


@register("zoo.transformers")
class Sigmoid(Transformer):
    """`z = (x + t) g` with scale `g = sigmoid(s + bias)`: Glow's affine coupling.

    (Kingma and Dhariwal, 2018, table 1, with the scale of the authors' code.)

    Args:
      bias: Added to the scale's logit, so that a fresh layer hardly shrinks.
      min_scale: Lower bound of the scale, which is a divisor when sampling.
    """

    num_params = 2

    def __init__(self, bias=2.0, min_scale=1e-3):
        self.bias = float(bias)
        self.min_scale = share("min_scale", min_scale)

    def bijector(self, params):
        shift, logit = columns(params)
        scale = self.min_scale + (1.0 - self.min_scale) * ops.sigmoid(logit + self.bias)
        return bijectors.Gate(shift, scale)

    def get_config(self):
        return {"bias": self.bias, "min_scale": self.min_scale}


@register("zoo.transformers")
class ScaledTanh(Transformer):
    """`x = z exp(r tanh(s)) + t` with a learned `r`: RealNVP's coupling of images.

    (Dinh et al., 2017, section 4.1: "a hyperbolic tangent multiplied by a learned scale".) The
    learned scale is the bound of the log-scale.

    Args:
      start: Value of `r` where its parameter is zero, nats.
    """

    num_params = 3
    num_shared = 1

    def __init__(self, start=1.0):
        self.start = float(start)

    def bijector(self, params):
        shift, log_scale, bound = columns(params)
        return bijectors.Affine(shift, (bound + self.start) * ops.tanh(log_scale))

    def get_config(self):
        return {"start": self.start}


@register("zoo.transformers")
class Gated(Transformer):
    """`x = g z + (1 - g) m` with gate `g = sigmoid(s + bias)` (IAF, Kingma et al., 2016, eq. 14).

    Args:
      bias: Added to the gate's logit, so that a fresh layer passes most of `z` through.
      min_gate: Lower bound of the gate, which is a divisor in the inverse.
    """

    num_params = 2

    def __init__(self, bias=2.0, min_gate=1e-3):
        self.bias = float(bias)
        self.min_gate = share("min_gate", min_gate)

    def bijector(self, params):
        span, (mean, logit) = 1.0 - self.min_gate, columns(params)
        gate = self.min_gate + span * ops.sigmoid(logit + self.bias)
        # 1 - gate, without the cancellation of subtracting two numbers near one.
        rest = span * ops.sigmoid(-logit - self.bias)
        return bijectors.Affine(rest * mean, ops.log(gate))

    def get_config(self):
        return {"bias": self.bias, "min_gate": self.min_gate}
