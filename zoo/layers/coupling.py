"""Coupling layer (Dinh et al., 2015, arXiv:1410.8516; 2017, arXiv:1605.08803)."""

import numpy as np
from keras import ops

from zoo import bijectors, transformers
from zoo.bijectors import permute
from zoo.config import register
from zoo.layers.flow_layer import FlowLayer, vector_size
from zoo.networks import MLP


class Partition:
    """Splits the entries of a vector into those a coupling keeps and those it changes.

    Args:
      mask: Boolean array `[d]`, true for entries that are kept.
    """

    def __init__(self, mask):
        self.mask = np.asarray(mask, bool)
        self._kept = np.flatnonzero(self.mask)
        self._changed = np.flatnonzero(~self.mask)
        self._order = np.concatenate([self._kept, self._changed])
        self._back = np.argsort(self._order)
        size = self.mask.size
        self._alternate = size % 2 == 0 and np.array_equal(
            self.mask, (np.arange(size) % 2 == 0) == self.mask[0]
        )

    @property
    def sizes(self):
        """How many entries are kept, and how many are changed."""
        return len(self._kept), len(self._changed)

    def split(self, x):
        """`[..., d]` to the kept and the changed entries."""
        if self._alternate:
            lead = ops.shape(x)[:-1]
            pair = ops.unstack(ops.reshape(x, (*lead, self.mask.size // 2, 2)), axis=-1)
            return pair if self._kept[0] == 0 else pair[::-1]
        return ops.split(permute(x, self._order), (len(self._kept),), axis=-1)

    def join(self, kept, changed):
        """The inverse of `split`."""
        if self._alternate:
            pair = (kept, changed) if self._kept[0] == 0 else (changed, kept)
            lead = ops.shape(kept)[:-1]
            return ops.reshape(ops.stack(pair, axis=-1), (*lead, self.mask.size))
        return permute(ops.concatenate([kept, changed], axis=-1), self._back)


def coupling_mask(mask, size):
    """The boolean mask `[size]`, true for kept entries, that `mask` names or lists.

    Args:
      mask: `"even"` (keeps entries 0, 2, ...), `"odd"`, `"first_half"`, `"second_half"`, or a
        sequence of `size` booleans.
      size: Length of the vector.

    Raises:
      ValueError: The mask is unknown, of another length, or changes nothing.
    """
    named = {
        "even": np.arange(size) % 2 == 0,
        "odd": np.arange(size) % 2 == 1,
        "first_half": np.arange(size) < (size + 1) // 2,
        "second_half": np.arange(size) >= size // 2,
    }
    if isinstance(mask, str):
        if mask not in named:
            raise ValueError(
                f"mask must be one of {sorted(named)} or {size} booleans, got {mask!r}."
            )
        return named[mask]
    mask = np.asarray(mask)
    if mask.shape != (size,) or not np.isin(mask, (0, 1)).all():
        raise ValueError(f"mask must hold {size} booleans, got an array of shape {mask.shape}.")
    if mask.all():
        raise ValueError("mask keeps every entry: a coupling must change at least one.")
    return mask.astype(bool)


@register("zoo.layers")
class Coupling(FlowLayer):
    """Keeps some entries and transforms the others given them; fast in both directions.

    For one-dimensional events nothing can be kept: the transformation then depends on the context
    alone.

    Args:
      event_shape: `(d,)`.
      mask: Entries that are kept: `"even"`, `"odd"`, `"first_half"`, `"second_half"`, or `d`
        booleans.
      transformer: Name or instance of a `zoo.transformers.Transformer`, such as `"affine"`,
        `"spline"` or `"mixture"`.
      hidden_units: Width of each hidden layer of the network.
      activation: Name of a Keras activation.
      context_shape: Shape of one context vector, or `None`.
      seed: Seed of the initial weights.
      residual: See `zoo.networks.MLP`.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: The mask or the transformer is not one, or `residual` with other widths.
    """

    def __init__(
        self,
        event_shape,
        mask="even",
        transformer="affine",
        hidden_units=(256, 256),
        activation="relu",
        context_shape=None,
        seed=None,
        residual=False,
        **kwargs,
    ):
        super().__init__(event_shape, context_shape, **kwargs)
        size = vector_size(event_shape, "Coupling")
        self.transformer = transformers.get(transformer)
        if size == 1:
            mask = np.zeros(1, bool)
        self.partition = Partition(coupling_mask(mask, size))
        kept, changed = self.partition.sizes
        self._kept = kept
        self.network = MLP(
            kept,
            (changed, self.transformer.num_params),
            hidden_units,
            activation,
            self.context_size,
            seed,
            residual,
            dtype=self.dtype_policy,
        )

    def bijector(self, context=None, randomness=None):
        conditioner = self._conditioner(self.network, self._kept)
        return bijectors.Coupling(
            self.partition, conditioner, self.transformer, **self._options(context)
        )
