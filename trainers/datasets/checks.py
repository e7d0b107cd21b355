"""What no flow can be trained on: values that are not finite, labels and levels out of range."""

import numpy as np


def fault(inputs, levels, blocks):
    """Looks through a split, in NumPy, once.

    Args:
        inputs: `features.Inputs`.
        levels: Grey levels of images.
        blocks: Iterable of (x,) or (x, labels), NumPy arrays of some rows each, in order.

    Returns:
        None, or what is wrong: how many values, in which features, and the first row, from 0.
    """
    found, row = {}, 0
    for block in blocks:
        for what, bad, names in _wrong(inputs, levels, *block):
            if bad.any():
                first = row + int(np.argmax(bad.any(axis=1)))
                seen = found.setdefault(what, [0, {}, first])
                seen[0] += int(bad.sum())
                seen[1] |= dict.fromkeys(np.asarray(names)[bad.any(axis=0)].tolist())
        row += len(block[0])
    for what, (count, names, first) in found.items():
        names = [*list(names)[:5], *["..."] * (len(names) > 5)]
        return f"{count} {what}, in {', '.join(names)}; the first is in row {first}"
    return None


def _wrong(inputs, levels, x, labels=None):
    """Yields (what, whether so [rows, features], names of the features)."""
    if not inputs.is_image:
        yield "NaN or infinite values", ~np.isfinite(x), inputs.names
    elif levels < 256:
        above = (x >= levels).reshape(len(x), -1).any(axis=1, keepdims=True)
        yield f"images with grey levels above {levels - 1}", above, inputs.names
    if labels is not None:
        outside = ((labels < 0) | (labels >= inputs.num_classes))[:, None]
        yield f"labels outside 0 to {inputs.num_classes - 1}", outside, (inputs.label,)
