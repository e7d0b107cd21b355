"""What a decoder says of events of grey levels: independent entries, a `tfd.Distribution`."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import ops

from zoo.backend import tfb, tfd
from zoo.numerics import soft_clamp

# Log-scale of a logistic in units of half the range, at most and, negated, at least
# (Salimans et al., 2017, arXiv:1701.05517, whose lower bound it is).
MAX_LOG_SCALE = 7.0


@dataclasses.dataclass(frozen=True)
class Observation:
    """A kind of distribution over grey levels given a decoder's output.

    Attributes:
      num_params: Parameters of an entry: the decoder's last axis is so many times the event's.
      distribution: `(params, levels, ndims) -> tfd.Distribution` over levels, as floats; the last
        `ndims` axes are an event.
      middle: `(params, levels) ->` the middle of each entry's distribution, floats: of a Bernoulli
        its mean, of a discretized logistic its location, within the levels.
    """

    num_params: int
    distribution: Callable[..., Any]
    middle: Callable[..., Any]


def _bernoulli(logits, levels, ndims):
    return tfd.Independent(tfd.Bernoulli(logits=logits, dtype=logits.dtype), ndims)


def _logistic(params, levels):
    """Location and scale, in grey levels; zeros are a wide logistic in the middle."""
    loc, log_scale = ops.split(params, 2, axis=-1)
    half = 0.5 * (levels - 1)
    return half * (1.0 + loc), half * ops.exp(soft_clamp(log_scale, MAX_LOG_SCALE))


def _discretized_logistic(params, levels, ndims):
    # Quantizing rounds up: level k is what lies in (k - 1/2, k + 1/2], the first and the last level
    # all that lies below and above.
    loc, scale = _logistic(params, levels)
    shifted = tfd.TransformedDistribution(tfd.Logistic(loc, scale), tfb.Shift(-0.5))
    return tfd.Independent(tfd.QuantizedDistribution(shifted, 0.0, levels - 1.0), ndims)


OBSERVATIONS = {
    "bernoulli": Observation(1, _bernoulli, lambda logits, levels: ops.sigmoid(logits)),
    "discretized_logistic": Observation(
        2,
        _discretized_logistic,
        lambda params, levels: ops.clip(_logistic(params, levels)[0], 0.0, levels - 1.0),
    ),
}
