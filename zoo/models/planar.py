"""Planar flow (Rezende and Mohamed, 2015, arXiv:1505.05770)."""

from zoo import layers as flow_layers
from zoo.config import register
from zoo.flow import Flow
from zoo.models.common import prepare, vector_context
from zoo.models.stacks import amortized_stack


@register("zoo")
class Planar(Flow):
    """Planar layers, each of which stretches space along one ridge.

    In the fast direction, layer by layer (eq. 10-12): `f(x) = x + u tanh(w.x + b)` with `w.u > -1`;
    `log|det| = log(1 + w.u sech(w.x + b)^2)`. The other direction solves one increasing scalar
    equation a layer, to a tolerance. Activation normalisation stands before each layer, and after
    the last an affine map, whose shift and scale are read off the context where there is one (the
    paper's amortised first Gaussian).

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      num_layers: Number of planar layers.
      hidden_units: Width of each hidden layer of a network that reads the context; `()`, as in the
        paper, makes a layer's parameters linear in the context (the encoder's output).
      activation: Name of a Keras activation of these networks.
      fast: The direction that takes one evaluation: `"log_prob"`, as suits training by likelihood,
        or `"sample"`, as in the paper, whose use is that of an approximate posterior.
      tolerance, max_iterations: Of the solution of the equations; see `zoo.layers.Planar`.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    flow = zoo.Planar(event_shape=(2,), num_layers=4, seed=0)
    flow.log_prob([[0.1, -0.3]])
    posterior = zoo.Planar(event_shape=(8,), context_shape=(16,), num_layers=4, fast="sample")
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
        num_layers=32,
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

        def planar(i, seed):
            limits = tolerance, max_iterations
            return flow_layers.Planar(
                shape, hidden_units, activation, fast, *limits, context, seed, dtype=dtype
            )

        layers += amortized_stack(planar, num_layers, shape, context, hidden_units, seed, dtype)
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
