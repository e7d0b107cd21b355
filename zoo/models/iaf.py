"""Inverse autoregressive flow (Kingma et al., 2016, arXiv:1606.04934)."""

from zoo.config import register
from zoo.flow import Flow
from zoo.layers import ActNorm, Autoregressive
from zoo.models.common import check_count, layer_order, prepare, vector_context
from zoo.networks.conditioner import seed_stream


@register("zoo")
class IAF(Flow):
    """Stacked inverse autoregressive layers: one pass for `sample`, one sweep for `log_prob`.

    Latent to data, layer by layer (eq. 13-14): `z_i' = g_i z_i + (1 - g_i) m_i` with the gate `g =
    sigmoid(s + 2)`, `s` and `m` from a MADE over `z_1..z_i-1` and the context; `log|det| = sum_i
    log g_i`. The order of the dimensions is reversed from layer to layer. As an approximate
    posterior (the paper's use) its samples carry their density at no extra cost.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector (the encoder's output), or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      num_layers: Number of autoregressive layers.
      hidden_units: Width of each hidden layer of a MADE.
      activation: Name of a Keras activation.
      transformer: Name or instance of a `zoo.transformers.Transformer`.
      order: `"sequential"`, reversed from layer to layer, or `"random"`, drawn anew for each.
      residual: Residual MADEs; see `zoo.networks.MADE`.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    posterior = zoo.IAF(event_shape=(8,), context_shape=(16,), num_layers=2, hidden_units=(32,))
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
        num_layers=4,
        hidden_units=(320, 320),
        activation="elu",
        transformer="gated",
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
                    "sample",
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
