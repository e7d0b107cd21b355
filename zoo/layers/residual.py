"""Invertible residual blocks (Behrmann et al., 2019; Chen et al., 2019)."""

import math

from keras import ops

from zoo import backend, bijectors
from zoo.bijectors import lipschitz, watching
from zoo.config import count, positive, register, share
from zoo.layers.flow_layer import FlowLayer
from zoo.networks import LipschitzConvNet, LipschitzMLP
from zoo.numerics import log_det_estimators as log_dets
from zoo.numerics import recording

# Up to this many dimensions the log-determinant is exact unless told otherwise: it then costs no
# more than an evaluation by series, and has no noise.
EXACT_UP_TO = 8


@register("zoo.layers")
class Residual(FlowLayer):
    """`z = x + g(x)`, data to latent, with `g` of Lipschitz constant below one.

    The branch `g` is a network of linear maps whose spectral norms are at most `coefficient`, and
    of activations whose slopes are at most one: dense for vectors, convolutional for images. See
    `zoo.bijectors.Residual` for the inverse, `zoo.numerics.log_det_estimators` for the
    log-determinant.
    A context enters the branch, which is contractive in the event alone.

    Train with `fit`, which moves the vectors of the power iterations on: who trains in another way
    calls `flow(x, training=True)` or takes `flow.distribution(training=True)`, and then
    `update_spectral_norms()`.

    Args:
      event_shape: `(d,)`, or `(height, width, channels)`.
      hidden_units: Width of each hidden layer of the branch; `(128, 128, 128)` for vectors unless
        told, for images two layers of 512 maps.
      coefficient: Bound of the norm of each linear map, in (0, 1).
      activation: `"lipswish"` or `"elu"`.
      preactivation: Whether an activation comes before the first linear map too.
      log_det: `"exact"`, `"series"` (truncated, biased), `"roulette"` (unbiased), or `"auto"`:
        exact up to 8 dimensions, by roulette beyond.
      terms: Number of terms of the series in training; with `"roulette"` of those that are always
        there, before a random number of others. 2 unless told, 5 with `"series"`.
      eval_terms: The same outside of training steps.
      probes: Number of random vectors that the trace is estimated with.
      rate: With `"roulette"`, the probability of ending after each further term.
      gradient: Of estimates in training: `"neumann"`, constant in memory, or `"series"`, through
        the terms. `"neumann"` unless told, `"series"` with `log_det="series"`.
      power_iterations: Power iterations of each linear map in a training step.
      tolerance: Of the inverse, where its iteration may stop; 1e-6 unless told, 1e-12 in float64.
      max_iterations: Most iterations of the inverse.
      context_shape: Shape of one context vector, or `None`.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: An argument is not as described.
    """

    implicit = ("decode",)
    repeatable = False

    def __init__(
        self,
        event_shape,
        hidden_units=None,
        coefficient=0.97,
        activation="lipswish",
        preactivation=True,
        log_det="auto",
        terms=None,
        eval_terms=20,
        probes=1,
        rate=0.5,
        gradient=None,
        power_iterations=5,
        tolerance=None,
        max_iterations=1000,
        context_shape=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(event_shape, context_shape, **kwargs)
        if len(self.event_shape) not in (1, 3):
            raise ValueError(
                "Residual works on vectors, event_shape=(d,), or images, (height, width, channels),"
                f" got event_shape={self.event_shape}."
            )
        self.how = _how(self.event_shape, log_det, terms, eval_terms, probes, rate, gradient)
        if tolerance is None:
            tolerance = 1e-12 if self.variable_dtype == "float64" else 1e-6
        self.tolerance = positive("tolerance", tolerance)
        self.max_iterations = count("max_iterations", max_iterations)
        options = {
            "coefficient": coefficient,
            "activation": activation,
            "preactivation": preactivation,
            "iterations": count("power_iterations", power_iterations),
            "context_size": self.context_size,
            "seed": seed,
            "dtype": self.dtype_policy,
        }
        if len(self.event_shape) == 1:
            units = (128, 128, 128) if hidden_units is None else hidden_units
            self.network = LipschitzMLP(self.event_shape[0], units, **options)
        else:
            units = (512, 512) if hidden_units is None else hidden_units
            self.network = LipschitzConvNet(self.event_shape, units, **options)

    @property
    def draws(self):
        """Number of seeds that an estimate takes: for its probes, and for its number of terms."""
        return {"exact": 0, "series": 1, "roulette": 2}[self.how.kind]

    @property
    def estimates(self):
        """Whether the log-determinant is an estimate that depends on a seed."""
        return self.how.kind != "exact"

    @property
    def series_terms(self):
        """Terms of a log-determinant's series outside of training; `None` unless it is cut off."""
        return self.how.eval_terms if self.how.kind == "series" else None

    def bijector(self, context=None, randomness=None):
        return bijectors.Residual(
            self.network,
            self.event_shape,
            self.how,
            self.tolerance,
            self.max_iterations,
            randomness or backend.Randomness(),
            **self._options(context),
        )

    def update_spectral_norms(self):
        """Brings the power iteration of each linear map of the branch to convergence."""
        self.network.update_spectral_norms()

    def report(self, z, context=None):
        """The `Report` on the inverse of latents `z [n, *event_shape]`."""
        with recording() as found:
            self.bijector(context).forward_and_log_det(z)
        return found[0][1]

    def lipschitz(self, x, context=None):
        """The norm of the branch's Jacobian at each of `x [n, *event_shape]`, `[n]`.

        By power iteration on the Jacobian, to convergence; the layer is invertible where it stays
        below one.
        """
        x = ops.cast(x, self.variable_dtype)
        linear = self.network.evaluate(x, context, self.network.weights_now())[1]
        return lipschitz(linear, x)


def lipschitz_constants(flow, x, context=None):
    """The norm of the Jacobian of every residual branch of a flow, where data `x` passes.

    Args:
      flow: A `zoo.Flow`.
      x: Data `[n, *event_shape]`.
      context: As in `flow.encode`.

    Returns:
      List of `(name of the layer, norms [n])`, from the data to the latent. A norm is NaN where its
      power iteration did not converge (1000 iterations, a relative change of 1e-6 in the last).
    """
    with watching() as found:
        flow.inverse_report(x, context, "encode")
    return [(name, lipschitz(linear, at)) for name, linear, at in found]


def _how(event_shape, log_det, terms, eval_terms, probes, rate, gradient):
    """The arguments on the log-determinant, checked, as a `LogDet`."""
    if log_det == "auto":
        log_det = "exact" if math.prod(event_shape) <= EXACT_UP_TO else "roulette"
    if log_det not in log_dets.KINDS:
        raise ValueError(f"log_det must be 'auto' or one of {log_dets.KINDS}, got {log_det!r}.")
    truncated = log_det == "series"
    terms = (5 if truncated else 2) if terms is None else terms
    gradient = ("series" if truncated else "neumann") if gradient is None else gradient
    if gradient not in ("neumann", "series") or (gradient == "series" and log_det == "roulette"):
        raise ValueError(
            "gradient must be 'neumann', or 'series' with log_det='series', got "
            f"gradient={gradient!r} with log_det={log_det!r}."
        )
    return log_dets.LogDet(
        log_det,
        count("terms", terms),
        count("eval_terms", eval_terms),
        count("probes", probes),
        share("rate", rate),
        gradient,
    )
