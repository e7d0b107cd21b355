"""Sylvester normalizing flow (van den Berg et al., 2018, arXiv:1803.05649)."""

from zoo import layers as flow_layers
from zoo.config import register
from zoo.flow import Flow
from zoo.models.common import prepare, vector_context
from zoo.models.stacks import amortized_stack


@register("zoo")
class Sylvester(Flow):
    """Sylvester layers, each of which is a planar one with many ridges.

    In the fast direction, layer by layer (eq. 13-14): `f(x) = x + Q R tanh(S Q^T x + b)` with `Q`
    orthonormal, `R` and `S` upper triangular and `R_ii S_ii > -1`; `log|det| = sum_i log(1 + R_ii
    S_ii sech(a_i)^2)`. The other direction solves one increasing scalar equation a ridge, to a
    tolerance. Activation normalisation stands before each layer, and after the last an affine map,
    whose shift and scale are read off the context where there is one.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      num_layers: Number of Sylvester layers.
      variant: `"orthogonal"`, `"householder"` or `"triangular"`, the kinds of `Q`, all
        orthogonal to rounding at any weights; see `zoo.layers.Sylvester`. The triangular one
        reverses the dimensions in every second layer.
      bottleneck: Number of ridges of the orthogonal variant; `None` for the smaller of the number
        of dimensions and 32.
      num_reflections: Number of reflections of the Householder variant.
      hidden_units: Width of each hidden layer of a network that reads the context; `()`, as in the
        paper, makes a layer's parameters linear in the context (the encoder's output).
      activation: Name of a Keras activation of these networks.
      fast: The direction that takes one evaluation: `"log_prob"`, as suits training by likelihood,
        or `"sample"`, as in the paper, whose use is that of an approximate posterior.
      tolerance, max_iterations: Of the solution of the equations; see `zoo.layers.Sylvester`.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    flow = zoo.Sylvester(event_shape=(2,), num_layers=4, seed=0)
    flow.log_prob([[0.1, -0.3]])
    posterior = zoo.Sylvester(event_shape=(8,), context_shape=(16,), num_layers=4, fast="sample")
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape,
        context_shape=None,
        num_classes=None,
        levels=None,
        num_layers=16,
        variant="orthogonal",
        bottleneck=None,
        num_reflections=8,
        hidden_units=(),
        activation="relu",
        fast="log_prob",
        tolerance=None,
        max_iterations=100,
        preprocessing=None,
        alpha=1e-2,
        base="normal",
        seed=None,
        dtype=None,
        **kwargs,
    ):
        event_shape, layers, shape = prepare(event_shape, levels, preprocessing, alpha, dtype)
        context = vector_context(context_shape, num_classes)

        def sylvester(i, seed):
            return flow_layers.Sylvester(
                shape,
                variant,
                bottleneck,
                num_reflections,
                i % 2 == 1,
                hidden_units,
                activation,
                fast,
                tolerance,
                max_iterations,
                context,
                seed,
                dtype=dtype,
            )

        layers += amortized_stack(sylvester, num_layers, shape, context, hidden_units, seed, dtype)
        super().__init__(
            layers,
            event_shape=event_shape,
            context_shape=context_shape,
            num_classes=num_classes,
            levels=levels,
            base=base,
            dtype=dtype,
            **kwargs,
        )
