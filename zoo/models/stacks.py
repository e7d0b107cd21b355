"""The order of layers that several families have in common."""

from zoo.config import count
from zoo.layers import ActNorm, Autoregressive, Elementwise


def autoregressive(shared, num_layers, order, **options):
    """Autoregressive layers from the data to the latent, an activation normalisation before each.

    Args:
      shared: The `Shared` arguments of the family.
      num_layers: How many of them.
      order: `"sequential"`, reversed from layer to layer, or `"random"`, drawn anew for each.
      **options: Further arguments of `zoo.layers.Autoregressive`.
    """
    layers, shape = shared.vector()
    for i, seed in zip(range(count("num_layers", num_layers)), shared.seeds(), strict=False):
        given = options | {"order": shared.order(order, i), "seed": seed} | shared.conditional
        layers += [ActNorm(shape, **shared.plain), Autoregressive(shape, **given)]
    return layers


def amortized(shared, num_layers, layer, each=None, **options):
    """Layers as given, an activation normalisation before each, and an affine map last.

    With a context the affine map is read off it.

    Args:
      shared: The `Shared` arguments of the family.
      num_layers: How many of them.
      layer: Class of the layers.
      each: `(number of the layer) -> options` of that one alone.
      **options: Arguments of the layers, `hidden_units` of their networks among them.
    """
    layers, shape = shared.vector()
    # A layer draws a handful of weights, each from a seed of its own.
    seeds = shared.seeds(step=10, start=1000)
    for i in range(count("num_layers", num_layers)):
        given = options | {"seed": next(seeds)} | (each(i) if each else {})
        layers += [ActNorm(shape, **shared.plain), layer(shape, **given, **shared.conditional)]
    layers.append(ActNorm(shape, **shared.plain))
    if shared.conditional["context_shape"] is not None:
        given = shared.conditional | {"hidden_units": options["hidden_units"], "seed": next(seeds)}
        layers.append(Elementwise(shape, transformer="affine", **given))
    return layers
