"""Transformers: scalar bijections whose parameters a network predicts.

Coupling, autoregressive and elementwise layers take any of them; NICE, RealNVP, MAF, IAF and the
spline flows differ only in which they ask for. Their forward direction is latent to data. Scales
are bounded, so that no inverse divides by a number near zero.
"""

import functools
import math

import keras
from keras import ops

from zoo import bijectors
from zoo.bijectors.one_pass import forward_and_log_det, inverse_and_log_det
from zoo.normalization import soft_clamp


class Transformer:
    """A scalar bijection with `num_params` parameters a dimension.

    Of these, the last `num_shared` may be the same for all dimensions: the convolutional couplings
    learn them as weights, beside what their network predicts; other layers predict them all.

    Subclasses say how many parameters they take and build the bijector from them; all their
    parameters at zero should give a map near the identity.
    """

    num_params = 0
    num_shared = 0

    def bijector(self, params):
        """The scalar `tfb.Bijector` (latent to data) of `params`, `[..., num_params]`."""
        raise NotImplementedError

    def forward_and_log_det(self, z, params):
        """Latent to data, elementwise: `[...]` and `[..., num_params]` to two of `[...]`."""
        return forward_and_log_det(self.bijector(params), z, 0)

    def inverse_and_log_det(self, x, params):
        """Data to latent, elementwise: `[...]` and `[..., num_params]` to two of `[...]`."""
        return inverse_and_log_det(self.bijector(params), x, 0)

    def get_config(self):
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """A transformer like the one `config` was read from."""
        return cls(**config)


def _columns(params):
    """The parameters one by one; the gradient puts them together again, where slices would pad."""
    return ops.unstack(params, axis=-1)


def _positive(name, value):
    if not value > 0:
        raise ValueError(f"{name} must be a positive number, got {value!r}.")
    return float(value)


def _share(name, value):
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value!r}.")
    return float(value)


@keras.saving.register_keras_serializable("zoo")
class Additive(Transformer):
    """`x = z + t`, the additive coupling law of NICE (Dinh et al., 2015, eq. 5)."""

    num_params = 1

    def bijector(self, params):
        return bijectors.Shift(*_columns(params))


@keras.saving.register_keras_serializable("zoo")
class Scale(Transformer):
    """`x = z exp(s)`, with `s` softly clamped to `max_log_scale` in magnitude.

    Args:
      max_log_scale: Bound of the log-scale, nats.
    """

    num_params = 1

    def __init__(self, max_log_scale=8.0):
        self.max_log_scale = _positive("max_log_scale", max_log_scale)

    def bijector(self, params):
        log_scale = soft_clamp(*_columns(params), self.max_log_scale)
        return bijectors.Affine(ops.zeros_like(log_scale), log_scale)

    def get_config(self):
        return {"max_log_scale": self.max_log_scale}


@keras.saving.register_keras_serializable("zoo")
class Affine(Transformer):
    """`x = z exp(s) + t` (Dinh et al., 2017, eq. 7; Papamakarios et al., 2017, eq. 4).

    Args:
      max_log_scale: The log-scale `s` is softly clamped to this magnitude, nats.
    """

    num_params = 2

    def __init__(self, max_log_scale=3.0):
        self.max_log_scale = _positive("max_log_scale", max_log_scale)

    def bijector(self, params):
        shift, log_scale = _columns(params)
        return bijectors.Affine(shift, soft_clamp(log_scale, self.max_log_scale))

    def get_config(self):
        return {"max_log_scale": self.max_log_scale}


@keras.saving.register_keras_serializable("zoo")
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
        self.min_scale = _share("min_scale", min_scale)

    def bijector(self, params):
        shift, logit = _columns(params)
        scale = self.min_scale + (1.0 - self.min_scale) * ops.sigmoid(logit + self.bias)
        return bijectors.Affine(-shift, -ops.log(scale))

    def get_config(self):
        return {"bias": self.bias, "min_scale": self.min_scale}


@keras.saving.register_keras_serializable("zoo")
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
        shift, log_scale, bound = _columns(params)
        return bijectors.Affine(shift, (bound + self.start) * ops.tanh(log_scale))

    def get_config(self):
        return {"start": self.start}


@keras.saving.register_keras_serializable("zoo")
class Gated(Transformer):
    """`x = g z + (1 - g) m` with gate `g = sigmoid(s + bias)` (IAF, Kingma et al., 2016, eq. 14).

    Args:
      bias: Added to the gate's logit, so that a fresh layer passes most of `z` through.
      min_gate: Lower bound of the gate, which is a divisor in the inverse.
    """

    num_params = 2

    def __init__(self, bias=2.0, min_gate=1e-3):
        self.bias = float(bias)
        self.min_gate = _share("min_gate", min_gate)

    def bijector(self, params):
        span, (mean, logit) = 1.0 - self.min_gate, _columns(params)
        gate = self.min_gate + span * ops.sigmoid(logit + self.bias)
        # 1 - gate, without the cancellation of subtracting two numbers near one.
        rest = span * ops.sigmoid(-logit - self.bias)
        return bijectors.Affine(rest * mean, ops.log(gate))

    def get_config(self):
        return {"bias": self.bias, "min_gate": self.min_gate}


@keras.saving.register_keras_serializable("zoo")
class Spline(Transformer):
    """Monotone rational-quadratic spline on `[-bound, bound]`, the identity outside it.

    The boundary derivatives are one, so that the spline joins the identity smoothly (Durkan et
    al., 2019, arXiv:1906.04032); see `zoo.bijectors.RationalQuadraticSpline`.

    Args:
      num_bins: Number of bins.
      bound: Half the width of the interval that the spline covers, in latent units.
      min_bin: Smallest width and height of a bin, as a share of the interval.
      min_slope: Smallest derivative at an inner knot.
    """

    def __init__(self, num_bins=8, bound=3.0, min_bin=1e-3, min_slope=1e-3):
        if num_bins < 2 or num_bins != int(num_bins):
            raise ValueError(f"num_bins must be an integer of at least 2, got {num_bins!r}.")
        self.num_bins = int(num_bins)
        self.bound = _positive("bound", bound)
        self.min_bin = _positive("min_bin", min_bin)
        self.min_slope = _positive("min_slope", min_slope)
        if self.min_bin * self.num_bins >= 1:
            raise ValueError(f"min_bin times num_bins must be below 1, got {min_bin * num_bins}.")

    @property
    def num_params(self):
        """Widths and heights of the bins, and derivatives at the inner knots."""
        return 3 * self.num_bins - 1

    def _bins(self, logits):
        share = self.min_bin + (1.0 - self.min_bin * self.num_bins) * ops.softmax(logits, axis=-1)
        return 2.0 * self.bound * share

    def bijector(self, params):
        widths, heights, slopes = ops.split(params, (self.num_bins, 2 * self.num_bins), axis=-1)
        # softplus(x + offset) is 1 - min_slope at x = 0: parameters of zero give the identity.
        offset = math.log(math.expm1(1.0 - self.min_slope))
        return bijectors.RationalQuadraticSpline(
            self._bins(widths),
            self._bins(heights),
            self.min_slope + ops.softplus(slopes + offset),
            self.bound,
        )

    def get_config(self):
        return {
            "num_bins": self.num_bins,
            "bound": self.bound,
            "min_bin": self.min_bin,
            "min_slope": self.min_slope,
        }


TRANSFORMERS = {
    "additive": Additive,
    "affine": Affine,
    "gated": Gated,
    "scale": Scale,
    "scaled_tanh": ScaledTanh,
    "sigmoid": Sigmoid,
    "spline": Spline,
    "tanh": functools.partial(Affine, max_log_scale=2.0),
}


def get(transformer):
    """The transformer that `transformer` names, describes, or already is.

    Args:
      transformer: A name of `TRANSFORMERS`, a `Transformer`, or its serialized Keras config.

    Raises:
      ValueError: The name is unknown, or the type is none of these.
    """
    if isinstance(transformer, Transformer):
        return transformer
    if isinstance(transformer, dict):
        return keras.saving.deserialize_keras_object(transformer)
    if transformer in TRANSFORMERS:
        return TRANSFORMERS[transformer]()
    raise ValueError(
        f"transformer must be one of {sorted(TRANSFORMERS)} or a zoo.transformers.Transformer, "
        f"got {transformer!r}."
    )
