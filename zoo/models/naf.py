"""Neural autoregressive flow (Huang et al., 2018, arXiv:1804.00779)."""

from zoo.config import register
from zoo.flow import Flow
from zoo.layers import ActNorm, Autoregressive
from zoo.models.common import check_count, layer_order, prepare, vector_context
from zoo.networks.conditioner import seed_stream
from zoo.transformers import DeepSigmoidal


@register("zoo")
class NAF(Flow):
    """Autoregressive layers whose transformer is itself a monotone neural network.

    Data to latent, layer by layer (eq. 8, DSF): `u_i = logit(w_i sigmoid(a_i x_i + b_i))`, with the
    slopes, biases and weights of `num_units` sigmoids from a MADE over `x_1..x_i-1` and the
    context; with `sigmoid_layers` above one such maps follow each other, and with `dense` (eq. 10,
    DDSF) numbers of all units go from one to the next. Such a flow approximates any density whose
    conditionals are continuous (theorem 1). The order of the dimensions is reversed from layer to
    layer; between layers is activation normalisation.

    `log_prob` is one pass. The transformer has no closed inverse: `sample` sweeps through the
    dimensions with a bracketing root finder at each, stops at a tolerance, and raises
    `zoo.NotConverged` rather than return what did not reach it; in distributions and SavedModels
    such events are NaN. With `fast="sample"` it is the other way round, for use as an approximate
    posterior.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      num_layers: Number of autoregressive layers.
      hidden_units: Width of each hidden layer of a MADE.
      activation: Name of a Keras activation.
      num_units: Number of sigmoids of a layer of the transformer.
      sigmoid_layers: Number of layers of the transformer.
      dense: Whether they are dense (DDSF).
      fast: The direction that takes one pass: `"log_prob"` or `"sample"`.
      tolerance: Of the other direction; see `zoo.transformers.DeepSigmoidal`.
      max_iterations: Number of evaluations after which the other direction gives up.
      order: `"sequential"`, reversed from layer to layer, or `"random"`, drawn anew for each.
      residual: Residual MADEs; see `zoo.networks.MADE`.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    flow = zoo.NAF(event_shape=(3,), num_layers=2, hidden_units=(16,), num_units=4, seed=0)
    flow.sample(4, seed=1)
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
        num_layers=5,
        hidden_units=(512, 512),
        activation="elu",
        num_units=16,
        sigmoid_layers=1,
        dense=False,
        fast="log_prob",
        tolerance=None,
        max_iterations=200,
        order="sequential",
        residual=False,
        preprocessing=None,
        alpha=1e-2,
        base="normal",
        seed=None,
        dtype=None,
        **kwargs,
    ):
        event_shape, layers, shape = prepare(event_shape, levels, preprocessing, alpha, dtype)
        context = vector_context(context_shape, num_classes)
        sigmoid_layers = check_count("sigmoid_layers", sigmoid_layers)
        transformer = DeepSigmoidal(
            num_units, sigmoid_layers, dense, fast, tolerance, max_iterations
        )
        seeds = seed_stream(None if seed is None else 1000 * seed)
        for i in range(check_count("num_layers", num_layers)):
            direction = layer_order(order, i, shape[0], seed)
            layers.append(ActNorm(shape, dtype=dtype))
            layers.append(
                Autoregressive(
                    shape,
                    transformer,
                    hidden_units,
                    activation,
                    direction,
                    fast,
                    residual,
                    context,
                    next(seeds),
                    dtype=dtype,
                )
            )
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
