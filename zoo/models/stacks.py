"""The order of layers that the planar, radial and Sylvester flows have in common."""

from zoo.layers import ActNorm, Elementwise
from zoo.models.common import check_count


def amortized_stack(make, num_layers, shape, context, hidden_units, seed, dtype):
    """Layers from the data to the latent: activation normalisation before each, an affine map last.

    Args:
      make: `(number of the layer, its seed) -> FlowLayer`.
      num_layers: How many of them.
      shape: `(d,)`.
      context: Shape of one context vector, or `None`. With one, the affine map is read off it.
      hidden_units: Width of each hidden layer of the network that reads it.
      seed: Seed of the initial weights.
      dtype: Dtype policy of the layers.
    """
    # A layer draws a handful of weights, each from a seed of its own.
    count = check_count("num_layers", num_layers)
    seeds = [None if seed is None else 1000 * seed + 10 * i for i in range(1 + count)]
    layers = []
    for i in range(count):
        layers += [ActNorm(shape, dtype=dtype), make(i, seeds[i])]
    if context is None:
        return [*layers, ActNorm(shape, dtype=dtype)]
    last = Elementwise(shape, "affine", hidden_units, context, seeds[-1], dtype=dtype)
    return [*layers, ActNorm(shape, dtype=dtype), last]
