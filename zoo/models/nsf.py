"""Neural spline flow (Durkan et al., 2019, arXiv:1906.04032)."""

from zoo.config import register
from zoo.flow import Flow
from zoo.layers import ActNorm, Autoregressive, Coupling, LULinear
from zoo.models.common import check_count, prepare, vector_context
from zoo.networks.conditioner import check_hidden_units, seed_stream
from zoo.transformers import Spline

KINDS = ("coupling", "autoregressive")


@register("zoo")
class NSF(Flow):
    """Rational-quadratic splines whose knots a network predicts, and linear maps between them.

    Data to latent, `num_layers` times: a linear map `P L U` with a random permutation, which starts
    as the permutation, then an elementwise monotone spline on `[-bound, bound]` (eq. 4), the
    identity outside; a linear map comes last (section 3.1). Either half of the dimensions gets its
    splines from a network of the other half, RQ-NSF (C), which is fast both ways, or each dimension
    from a MADE of those before it, RQ-NSF (AR), which samples in a sweep. The networks are residual
    (section 5.1).

    Where the paper standardizes the data beforehand, this flow starts with an activation
    normalisation, whose density is that of the data alone: it brings the bulk of the data into the
    splines' interval.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      kind: `"coupling"` or `"autoregressive"`.
      num_layers: Number of spline layers.
      hidden_units: Width of each hidden layer of a network; of a residual one, the first layer's,
        and two a block.
      activation: Name of a Keras activation.
      num_bins: Number of bins of a spline.
      bound: Half the width of the interval that the splines cover, in deviations of the data.
      residual: Whether the networks are residual, which wants an odd number of hidden layers of one
        width. `None`: where `hidden_units` is such.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights and of the permutations.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    flow = zoo.NSF(event_shape=(3,), num_layers=2, hidden_units=(16, 16, 16), seed=0)
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
        kind="coupling",
        num_layers=10,
        hidden_units=(256,) * 5,
        activation="relu",
        num_bins=8,
        bound=3.0,
        residual=None,
        preprocessing=None,
        alpha=1e-2,
        base="normal",
        seed=None,
        dtype=None,
        **kwargs,
    ):
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {kind!r}.")
        event_shape, layers, shape = prepare(event_shape, levels, preprocessing, alpha, dtype)
        units = check_hidden_units(hidden_units)
        if residual is None:
            residual = len(units) % 2 == 1 and len(set(units)) == 1
        network = {
            "transformer": Spline(num_bins, bound),
            "hidden_units": units,
            "activation": activation,
            "residual": residual,
            "context_shape": vector_context(context_shape, num_classes),
            "dtype": dtype,
        }
        layers.append(ActNorm(shape, dtype=dtype))
        seeds = seed_stream(None if seed is None else 1000 * seed)
        for i in range(check_count("num_layers", num_layers)):
            layers.append(LULinear(shape, seed=100 * (seed or 0) + i, dtype=dtype))
            # Networks take consecutive seeds for their layers.
            own = None if seed is None else 100 * next(seeds)
            if kind == "coupling":
                layers.append(Coupling(shape, "odd" if i % 2 else "even", seed=own, **network))
            else:
                layers.append(Autoregressive(shape, seed=own, **network))
        layers.append(LULinear(shape, seed=100 * (seed or 0) + num_layers, dtype=dtype))
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
