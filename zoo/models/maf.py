"""Masked autoregressive flow (Papamakarios et al., 2017, arXiv:1705.07057)."""

from zoo.config import register
from zoo.flow import Flow
from zoo.layers import ActNorm, Autoregressive
from zoo.models.common import check_count, layer_order, prepare, vector_context
from zoo.networks.conditioner import seed_stream


@register("zoo")
class MAF(Flow):
    """Stacked autoregressive layers: one pass for `log_prob`, one sweep for `sample`.

    Data to latent, layer by layer (eq. 4): `u_i = (x_i - m_i) exp(-a_i)`, with `m` and `a` from a
    MADE over `x_1..x_i-1` and the context; `log|det du/dx| = -sum_i a_i` (eq. 5). The order of the
    dimensions is reversed from layer to layer. Where the paper puts batch normalisation after each
    layer, this flow has activation normalisation, whose density is that of the data alone.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None` (the paper's conditional MAF).
      levels: Number of grey levels of integer data; `None` for continuous data.
      num_layers: Number of autoregressive layers.
      hidden_units: Width of each hidden layer of a MADE.
      activation: Name of a Keras activation.
      transformer: Name or instance of a `zoo.transformers.Transformer`.
      order: `"sequential"`, reversed from layer to layer, or `"random"`, drawn anew for each.
      residual: Residual MADEs; see `zoo.networks.MADE`.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`; `zoo.MADE(..., components=10)` makes the paper's MAF MoG.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    flow = zoo.MAF(event_shape=(3,), num_layers=2, hidden_units=(16,), seed=0)
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
        activation="relu",
        transformer="affine",
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
                    "log_prob",
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
