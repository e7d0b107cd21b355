"""A stack whose repeated layers are traced once: the same flow as a smaller graph."""

from zoo.layers.scan import Scan, has_own_variables, structure
from zoo.layers.stack import Stack

_LONGEST = 12  # layers of a pattern that is looked for


def compacted(layers):
    """Layers with runs of a repeated pattern in a `Scan` each: same values, one trace a pattern.

    A pattern is one layer, or some that come again in this order, alike but for their weights: as
    an activation normalisation and what it stands before, or two of opposite orders.

    Args:
      layers: `FlowLayer`s from the data to the latent.

    Returns:
      New layers, whose weights have today's values. What draws numbers, or is not repeated, is left
      as it is.
    """
    kinds = [_kind(layer) for layer in layers]
    found, start = [], 0
    while start < len(layers):
        period, count = _pattern(kinds, start)
        if count == 1:
            found.append(layers[start])
        else:
            runs = [layers[i : i + period] for i in range(start, start + period * count, period)]
            steps = [
                run[0] if period == 1 else Stack(run, dtype=run[0].dtype_policy) for run in runs
            ]
            found.append(Scan(steps, dtype=steps[0].dtype_policy))
        start += period * count
    return found


def _pattern(kinds, start):
    """(length, repetitions) of the pattern at `start` that leaves the fewest layers to trace."""
    best, saved = (1, 1), 0
    for period in range(1, min(_LONGEST, (len(kinds) - start) // 2) + 1):
        pattern = kinds[start : start + period]
        if None in pattern:
            break
        count = 1
        while kinds[start + count * period : start + (count + 1) * period] == pattern:
            count += 1
        if period * (count - 1) > saved:
            best, saved = (period, count), period * (count - 1)
    return best


def _kind(layer):
    """What layers of one trace have in common; `None` for one that is to be left alone."""
    if layer.draws or layer.estimates or layer.event_shape != layer.latent_shape:
        return None
    if has_own_variables(layer):
        return None
    shapes = [tuple(v.shape) for v in layer.variables]
    # Shapes first: most layers differ in them, and comparing arrays takes longest.
    return type(layer), shapes, structure(layer)
