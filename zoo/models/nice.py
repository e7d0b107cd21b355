"""Non-linear independent components estimation (Dinh et al., 2015, arXiv:1410.8516)."""

from zoo.config import register
from zoo.flow import Flow
from zoo.layers import Coupling, Elementwise
from zoo.models.common import check_count, prepare, vector_context
from zoo.networks.conditioner import seed_stream


@register("zoo")
class NICE(Flow):
    """Additive couplings that preserve volume, then one diagonal scale.

    Each coupling shifts one half by a function of the other (eq. 5), on even and odd dimensions in
    turn; the last layer scales each dimension by `exp(s_i)` (section 3.3), and the latent is
    logistic (section 3.4). The log-determinant is `-sum_i s_i`, the same for all data.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      num_layers: Number of couplings; at least 3 for every dimension to act on every other.
      hidden_units: Width of each hidden layer; the paper's MNIST network is `(1000,) * 5`.
      activation: Name of a Keras activation.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    flow = zoo.NICE(event_shape=(4,), hidden_units=(32,), seed=0)
    flow.log_prob([[0.1, 0.2, 0.3, 0.4]])
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
        hidden_units=(1000,) * 5,
        activation="relu",
        preprocessing=None,
        alpha=1e-2,
        base="logistic",
        seed=None,
        dtype=None,
        **kwargs,
    ):
        event_shape, layers, shape = prepare(event_shape, levels, preprocessing, alpha, dtype)
        context = vector_context(context_shape, num_classes)
        seeds = seed_stream(None if seed is None else 1000 * seed)
        for i in range(check_count("num_layers", num_layers)):
            layers.append(
                Coupling(
                    shape,
                    "odd" if i % 2 else "even",
                    "additive",
                    hidden_units,
                    activation,
                    context,
                    None if seed is None else 100 * next(seeds),
                    dtype=dtype,
                )
            )
        layers.append(Elementwise(shape, "scale", dtype=dtype))
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
