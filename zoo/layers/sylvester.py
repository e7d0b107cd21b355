"""Sylvester layer (van den Berg et al., 2018, arXiv:1803.05649)."""

from keras import ops

from zoo import bijectors
from zoo.bijectors import orthonormal
from zoo.config import choice, count, register
from zoo.layers.amortized import MARGIN, Amortized, check_iteration, normal
from zoo.layers.flow_layer import vector_size
from zoo.networks import seed_stream
from zoo.numerics import triangular_root

VARIANTS = ("orthogonal", "householder", "triangular")


@register("zoo.layers")
class Sylvester(Amortized):
    """`f(x) = x + Q R tanh(S Q^T x + b)`, invertible at any weights, the identity at first.

    `Q` is orthonormal, `R` and `S` are upper triangular; their diagonals are `tanh(.) sqrt(1 -
    1e-3)`, so that `R_ii S_ii >= -1 + 1e-3` (theorem 2). They share a matrix: `R` has its upper
    part and its diagonal, `S` its transposed lower part and a diagonal of its own.

    The paper's three kinds of `Q`, by `variant`:

    * `"orthogonal"`: any `m` orthonormal columns. The paper finds them by an iterative procedure
      that starts from a matrix near one; here they are the product of `m` Householder reflections,
      which is orthogonal to rounding at any weights and reaches all of them but for signs.
    * `"householder"`: `m = d`, the product of `num_reflections` reflections.
    * `"triangular"`: `m = d`, the identity, or with `reverse` the reversal of the dimensions.

    Args:
      event_shape: `(d,)`.
      variant: One of these.
      bottleneck: `m` of the orthogonal variant, at most `d`; `None` for the smaller of `d` and 32.
      num_reflections: Of the Householder variant.
      reverse: Of the triangular variant.
      hidden_units: Width of each hidden layer of the network that reads a context; `()`, as in the
        paper, makes the parameters linear in it.
      activation: Name of a Keras activation of that network.
      fast: `"log_prob"` makes `f` the map from data to latent, `"sample"` that from latent to data;
        the other direction solves `m` scalar equations an event, one after the other.
      tolerance: Largest error of such a solution, as a fraction of it where that is above one;
        `None` for 1e-12 in float64 and 1e-6 else.
      max_iterations: Evaluations before giving up; an event without a solution is NaN.
      context_shape: Shape of one context vector, or `None`.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape,
        variant="orthogonal",
        bottleneck=None,
        num_reflections=8,
        reverse=False,
        hidden_units=(),
        activation="relu",
        fast="log_prob",
        tolerance=None,
        max_iterations=100,
        context_shape=None,
        seed=None,
        **kwargs,
    ):
        size = vector_size(event_shape, "Sylvester")
        columns, reflections = _sizes(size, variant, bottleneck, num_reflections)
        seeds = seed_stream(seed)
        start = {
            # R is zero and S is not: the identity, with a gradient.
            "matrix": ((columns, columns), _below_diagonal(columns, next(seeds))),
            "diagonal": ((columns,), normal(1.0, next(seeds))),
            "b": ((columns,), normal(1.0, next(seeds))),
        }
        if reflections:
            start["vectors"] = ((reflections, size), normal(1.0, next(seeds)))
        super().__init__(
            start, event_shape, context_shape, hidden_units, activation, fast, next(seeds), **kwargs
        )
        self.variant, self.columns, self.reverse = variant, columns, reverse
        limits = check_iteration(tolerance, max_iterations, self.variable_dtype)
        self._solve = triangular_root.solver(*limits)

    @property
    def implicit(self):
        """The directions that iterate."""
        return ("decode",) if self.fast == "log_prob" else ("encode",)

    def _parameters(self, context):
        values = self._values(context)
        matrix = values["matrix"]
        left = ops.triu(matrix, 1) + _diagonal(triangular_root.diagonal(matrix))
        right = ops.triu(ops.swapaxes(matrix, -1, -2), 1) + _diagonal(values["diagonal"])
        q = None
        if self.variant != "triangular":
            q = orthonormal(values["vectors"], self.columns)
        return q, left, right, values["b"]

    def bijector(self, context=None, randomness=None):
        return bijectors.Sylvester(
            self._parameters, self._solve, self.reverse, fast=self.fast, **self._options(context)
        )


def _diagonal(raw):
    """Diagonal matrices `[*batch, m, m]` of numbers within `(-1, 1)`."""
    entries = (1.0 - MARGIN) ** 0.5 * ops.tanh(raw)
    return entries[..., None] * ops.eye(raw.shape[-1], dtype=raw.dtype)


def _below_diagonal(size, seed):
    draw = normal(size**-0.5, seed)
    return lambda shape, dtype=None: ops.tril(draw(shape, dtype), -1)


def _sizes(size, variant, bottleneck, num_reflections):
    """The number of columns of `Q`, and of reflections that it is made of."""
    choice("variant", variant, VARIANTS)
    if bottleneck is not None and variant != "orthogonal":
        raise ValueError(
            f"bottleneck is for variant='orthogonal', the {variant} one has as many columns as "
            f"dimensions; omit it, got {bottleneck!r}."
        )
    if variant == "triangular":
        return size, 0
    if variant == "householder":
        return size, count("num_reflections", num_reflections)
    columns = min(size, 32) if bottleneck is None else count("bottleneck", bottleneck)
    if columns > size:
        raise ValueError(
            f"bottleneck must be an integer of 1 to {size}, the number of dimensions, got "
            f"{bottleneck!r}."
        )
    return columns, columns
