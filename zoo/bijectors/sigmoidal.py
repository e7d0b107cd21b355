"""Monotone neural networks of one input: sums of sigmoids under a logit (Huang et al., 2018)."""

from keras import ops

from zoo import backend
from zoo.bijectors.one_pass import OnePassBijector
from zoo.numerics import is_recording, record, root_finding


class DeepSigmoidal(OnePassBijector):
    """Scalar map through layers `h' = logit(w sigmoid(a (u h) + b))`, entry by entry.

    Each unit has a slope `a > 0`; the rows of the mixing weights `u` and `w` are positive and sum
    to one, so that every layer increases and reaches the whole line (Huang et al., 2018,
    arXiv:1804.00779, eq. 8 and 10). Logit and log-slope are sums of exponentials, evaluated in the
    log domain: with `p = w sigmoid(.)`, `logit(p) = log p - log(1 - p)` where `1 - p = w
    sigmoid(-.)`, and `log dh'/dh` is the logarithm of `w a u sigmoid(.) sigmoid(-.) / (p (1 - p))`.
    No term cancels, at any distance from the centre.

    The other direction has no closed form. Its root lies between the roots that single units would
    have, which is where a bracketing iteration starts; its gradient is that of the implicit
    function, `dx/dy = 1 / f'(x)` and `dx/dparams = -(df/dparams) / f'(x)`. An entry whose iteration
    does not converge is NaN.

    Args:
      params: Tensor `[..., num_params]`.
      layers_fn: `params -> [(log_mix, log_scale, bias, log_weights), ...]`, first layer first, of
        shapes `[..., units, inputs]` (`None` for one input), `[..., units]` twice, and `[...,
        outputs, units]`; the first layer has one input, the last one output.
      fast: The direction in which the network is evaluated: `"log_prob"`, data to latent, or
        `"sample"`, latent to data.
      tolerance: Where the iteration stops: half the width of the bracket, relative to the root
        where that is above one.
      max_iterations: Number of evaluations after which it gives up.
    """

    increases = True
    parameter_ndims = {"params": 1}

    def __init__(
        self, params, layers_fn, fast="log_prob", tolerance=1e-6, max_iterations=200, name=None
    ):
        self._params, self._layers_fn = params, layers_fn
        self._fast, self._tolerance, self._max_iterations = fast, tolerance, max_iterations
        super().__init__(event_ndims=0, name=name)

    def forward_and_log_det(self, x):
        return self._network(x) if self._fast == "sample" else self._root(x)

    def inverse_and_log_det(self, y):
        return self._network(y) if self._fast == "log_prob" else self._root(y)

    def _network(self, x):
        return _value_and_log_slope(x, self._layers_fn(self._params))

    def _root(self, y):
        y = y + ops.zeros_like(self._params[..., 0])
        if is_recording() and backend.is_concrete(y):
            record(self.name, self._solve(y, self._params)[1])
        x = backend.with_gradient(self._found, self._gradient, self._tangent)(y, self._params)[0]
        return x, -self._network(x)[1]

    def _solve(self, y, params):
        """The root, and a report on the rows of `y`."""
        layers = self._layers_fn(params)
        low, high = _bracket(y, layers)
        return root_finding.bracketed_root(
            lambda x: _value_and_log_slope(x, layers)[0] - y,
            low,
            high,
            self._tolerance,
            self._max_iterations,
        )

    def _found(self, y, params):
        """The root, with a gradient of its own where nobody defines one (a stored gradient's)."""
        count = params.shape[-1]
        rows = ops.broadcast_to(params, (*ops.shape(y), count))
        # Entry by entry, so that one that fails leaves the others alone.
        x, report = self._solve(ops.reshape(y, (-1,)), ops.reshape(rows, (-1, count)))
        x = ops.reshape(root_finding.or_nan(x, report.converged), ops.shape(y))
        x = ops.stop_gradient(x)
        value, log_slope = _value_and_log_slope(x, self._layers_fn(params))
        newton = (y - value) * ops.exp(-log_slope)
        return (x + (newton - ops.stop_gradient(newton)),)

    def _gradient(self, args, outputs, upstream):
        x, params = outputs[0], args[1]
        of_y = upstream[0] * ops.exp(-self._at(x, params)[1])
        return of_y, -backend.vjp(lambda p: self._at(x, p)[0], params)[1](of_y)[0]

    def _tangent(self, args, outputs, along):
        x, params = outputs[0], args[1]
        moved = along[0] - backend.jvp(lambda p: self._at(x, p)[0], (params,), along[1:])
        return (moved * ops.exp(-self._at(x, params)[1]),)

    def _at(self, x, params):
        return _value_and_log_slope(x, self._layers_fn(params))


def _value_and_log_slope(x, layers):
    """`x [...]` through the layers: the value, and the logarithm of its slope."""
    h, slope = x[..., None], ops.zeros_like(x)[..., None]
    for log_mix, log_scale, bias, log_weights in layers:
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


def _bracket(y, layers):
    """Numbers below and above the root: the least and the largest of what single units ask for.

    A mean of sigmoids lies between its units, so that at the root of `h' = y` some unit is at most
    `y` and some other at least; likewise, layer by layer, back to the input.
    """
    low = high = y
    for _, log_scale, bias, _ in reversed(layers):
        scale = ops.exp(-log_scale)
        low = -backend.largest((bias - low[..., None]) * scale, axis=-1)
        high = backend.largest((high[..., None] - bias) * scale, axis=-1)
    # Units that agree leave no width, and rounding may put the root outside.
    return low - 1e-2 * (1.0 + ops.abs(low)), high + 1e-2 * (1.0 + ops.abs(high))
