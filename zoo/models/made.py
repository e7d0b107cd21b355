"""Masked autoencoder density estimator (Germain et al., 2015, arXiv:1502.03509)."""

from zoo.config import register
from zoo.distributions.mixture import MixtureBase
from zoo.flow import Flow
from zoo.layers import Autoregressive
from zoo.models.common import check_count, prepare, vector_context


@register("zoo")
class MADE(Flow):
    """`p(x) = prod_i p(x_i | x_1..x_i-1)`, each conditional a Gaussian or a mixture of Gaussians.

    With one component this is a single autoregressive layer over a standard normal; with more (MADE
    MoG; Papamakarios et al., 2017, section 4) it is a density without a latent, of use as the
    `base` of another flow.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      components: Number of Gaussians a dimension.
      hidden_units: Width of each hidden layer.
      activation: Name of a Keras activation.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    base = zoo.MADE(event_shape=(3,), components=5, hidden_units=(32,))
    flow = zoo.MAF(event_shape=(3,), hidden_units=(32,), base=base)
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
        components=1,
        hidden_units=(512, 512),
        activation="relu",
        preprocessing=None,
        alpha=1e-2,
        seed=None,
        dtype=None,
        **kwargs,
    ):
        event_shape, layers, shape = prepare(event_shape, levels, preprocessing, alpha, dtype)
        context = vector_context(context_shape, num_classes)
        base = "normal"
        seed = None if seed is None else 1000 * seed
        if check_count("components", components) > 1:
            base = MixtureBase(
                shape,
                components,
                hidden_units,
                activation,
                context,
                seed=seed,
                dtype=dtype,
            )
        else:
            layers.append(
                Autoregressive(
                    shape,
                    "affine",
                    hidden_units,
                    activation,
                    context_shape=context,
                    seed=seed,
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
