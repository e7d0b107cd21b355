"""Monotone neural networks of one input: sums of sigmoids under a logit (Huang et al., 2018)."""

from keras import ops

from zoo import backend
from zoo.bijectors.implicit import Implicit


class DeepSigmoidal(Implicit):
    """Scalar map through layers `h' = logit(w sigmoid(a (u h) + b))`, entry by entry.

    Each unit has a slope `a > 0`; the rows of the mixing weights `u` and `w` are positive and sum
    to one, so that every layer increases and reaches the whole line (Huang et al., 2018,
    arXiv:1804.00779, eq. 8 and 10). Logit and log-slope are sums of exponentials, evaluated in the
    log domain: with `p = w sigmoid(.)`, `logit(p) = log p - log(1 - p)` where `1 - p = w
    sigmoid(-.)`, and `log dh'/dh` is the logarithm of `w a u sigmoid(.) sigmoid(-.) / (p (1 - p))`.
    No term cancels, at any distance from the centre.

    The other direction has no closed form. Its root lies between the roots that single units would
    have, which is where a bracketing iteration starts.

    Args:
      params: Tensor `[..., num_params]`.
      layers_fn: `params -> [(log_mix, log_scale, bias, log_weights), ...]`, first layer first, of
        shapes `[..., units, inputs]` (`None` for one input), `[..., units]` twice, and `[...,
        outputs, units]`; the first layer has one input, the last one output.
      fast: The direction in which the network is evaluated: `"log_prob"`, data to latent, or
        `"sample"`, latent to data.
      tolerance: See `Implicit`.
      max_iterations: See `Implicit`.
    """

    def __init__(
        self, params, layers_fn, fast="log_prob", tolerance=None, max_iterations=200, name=None
    ):
        self._layers_fn = layers_fn
        super().__init__(params, fast, tolerance, max_iterations, name)

    def prepare(self, params):
        return self._layers_fn(params)

    def evaluate(self, x, prepared):
        """`x [...]` through the layers: the value, and the logarithm of its slope."""
        h, slope = x[..., None], ops.zeros_like(x)[..., None]
        for log_mix, log_scale, bias, log_weights in prepared:
            if log_mix is not None:
                h = ops.sum(ops.exp(log_mix) * h[..., None, :], axis=-1)
                slope = ops.logsumexp(log_mix + slope[..., None, :], axis=-1)
            units = ops.exp(log_scale) * h + bias
            above = -ops.softplus(units)
            # log sigmoid(u) = u + log sigmoid(-u).
            below, above = (units + above)[..., None, :], above[..., None, :]
            slope = (slope + log_scale)[..., None, :]
            log_p = ops.logsumexp(log_weights + below, axis=-1)
            log_rest = ops.logsumexp(log_weights + above, axis=-1)
            slope = ops.logsumexp(log_weights + below + above + slope, axis=-1) - log_p - log_rest
            h = log_p - log_rest
        return h[..., 0], slope[..., 0]

    def bracket(self, y, prepared):
        """The least and the largest of what single units ask for.

        A mean of sigmoids lies between its units, so that at the root of `h' = y` some unit is at
        most `y` and some other at least; likewise, layer by layer, back to the input.
        """
        low = high = y
        for _, log_scale, bias, _ in reversed(prepared):
            scale = ops.exp(-log_scale)
            low = -backend.largest((bias - low[..., None]) * scale, axis=-1)
            high = backend.largest((high[..., None] - bias) * scale, axis=-1)
        return low, high
