"""Distribution functions of mixtures of logistics under a logit (Ho et al., 2019)."""

from keras import ops

from zoo import backend
from zoo.bijectors.implicit import Implicit


class LogisticMixture(Implicit):
    """Scalar map `z = t + exp(s) logit(sum_k w_k sigmoid(u_k))` with `u_k = a_k (x - m_k)`.

    Flow++'s coupling law (Ho et al., 2019, arXiv:1902.00275, section 3.2), data to latent: an
    affine map of the logit of the distribution function of a mixture of logistics. Weights `w`
    need not sum to one, for the sum cancels.

    One exponential a component is enough, and no term cancels or underflows at any distance: with
    `n` the smallest `|u_k|` and `e_k = exp(n - |u_k|)`, the masses below and above `x` are sums
    over `w_k / (1 + e_k exp(-n))`, of components whose centre is on the far side times `e_k
    exp(-n)`, and the density is `exp(-n)` times a sum over `w_k a_k e_k / (1 + e_k exp(-n))^2`.
    Where all centres are on one side, `exp(-n)` is common to a mass as well.

    The root lies between those that single components would have.

    Args:
      params: Tensor `[..., num_params]`.
      parts_fn: `params -> (shift, log_scale, weights, means, slopes)`: `t` and `s`, `[...]`, and
        positive `w`, `m`, and positive `a`, `[..., k]`.
      fast: The direction of the formula, `"log_prob"`, data to latent, as above, or `"sample"`,
        with `x` and `z` exchanged.
      tolerance: See `Implicit`.
      max_iterations: See `Implicit`.
    """

    def __init__(
        self, params, parts_fn, fast="log_prob", tolerance=None, max_iterations=200, name=None
    ):
        self._parts_fn = parts_fn
        super().__init__(params, fast, tolerance, max_iterations, name)

    def prepare(self, params):
        return self._parts_fn(params)

    def evaluate(self, x, prepared):
        shift, log_scale, weights, means, slopes = prepared
        units = (x[..., None] - means) * slopes
        right = units >= 0
        # Not `abs`, whose gradient at zero is that of neither side.
        size = ops.where(right, units, -units)
        near = ops.stop_gradient(ops.min(size, axis=-1, keepdims=True))
        rest, decay = ops.exp(-near), ops.exp(near - size)
        whole = 1.0 + decay * rest
        head = weights / whole
        tail = head * decay
        some, every = (f(right, axis=-1, keepdims=True) for f in (ops.any, ops.all))
        below = ops.sum(ops.where(right, head, tail * ops.where(some, rest, 1.0)), axis=-1)
        above = ops.sum(ops.where(right, tail * ops.where(every, 1.0, rest), head), axis=-1)
        density = ops.sum(slopes * tail / whole, axis=-1)
        near, some, every = near[..., 0], some[..., 0], every[..., 0]
        log_below, log_above = ops.log(below), ops.log(above)
        logit = log_below - log_above + ops.where(every, near, ops.where(some, 0.0, -near))
        log_slope = ops.log(density) + ops.log(ops.sum(weights, axis=-1)) - log_below - log_above
        log_slope = log_slope - ops.where(ops.logical_xor(some, every), near, 0.0)
        return logit * ops.exp(log_scale) + shift, log_slope + log_scale

    def bracket(self, y, prepared):
        """The least and the largest of what single components ask for."""
        shift, log_scale, _, means, slopes = prepared
        found = means + ((y - shift) * ops.exp(-log_scale))[..., None] / slopes
        return -backend.largest(-found, axis=-1), backend.largest(found, axis=-1)
