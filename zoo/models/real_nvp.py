"""Real-valued non-volume-preserving flow (Dinh et al., 2017, arXiv:1605.08803)."""

import keras

from zoo.flow import Flow
from zoo.layers import ActNorm, Coupling
from zoo.models.common import check_count, prepare, vector_context
from zoo.networks.conditioner import seed_stream


@keras.saving.register_keras_serializable("zoo")
class RealNVP(Flow):
    """Couplings that scale and shift one half by functions of the other; fast both ways.

    Latent to data, layer by layer (eq. 7): `x_b = z_b exp(s(z_a)) + t(z_a)`, `x_a = z_a`, on even
    and odd dimensions in turn; `log|det dx/dz| = sum s` (eq. 6). Where the paper puts batch
    normalisation between couplings, this flow has activation normalisation, whose density is that
    of the data alone.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      num_layers: Number of couplings.
      hidden_units: Width of each hidden layer.
      activation: Name of a Keras activation.
      transformer: Name or instance of a `zoo.transformers.Transformer`.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `jit_compile`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    flow = zoo.RealNVP(event_shape=(4,), num_layers=2, hidden_units=(32,), seed=0)
    flow.sample(3, seed=1, temperature=0.7)
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
        num_layers=8,
        hidden_units=(256, 256),
        activation="relu",
        transformer="affine",
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
            layers.append(ActNorm(shape, dtype=dtype))
            layers.append(
                Coupling(
                    shape,
                    "odd" if i % 2 else "even",
                    transformer,
                    hidden_units,
                    activation,
                    context,
                    None if seed is None else 100 * next(seeds),
                    dtype=dtype,
                )
            )
        super().__init__(
            layers, event_shape, context_shape, num_classes, levels, base, dtype=dtype, **kwargs
        )
