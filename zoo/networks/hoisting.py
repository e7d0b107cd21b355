"""Hoisting: what layers compute from their weights alone, once for many evaluations.

A layer that has such computations names the methods that do them in an attribute `hoists`: a
dictionary from the ways, `"inverse"` (data to latent) and `"forward"` (latent to data), to a
dictionary from those names to the number of tensors that each returns. Where it needs these it
calls `hoisted`, and not the methods, which leave those of its parts alone: tensors may have been
handed in in their place. The methods take weights with one more leading axis as they take those
without it. Beside them only `adapt` may use a weight of the layer or of its parts, and a gradient
of one's own may use what they return as an argument only: where tensors are handed in, the weights
are not those of today.
"""

import contextlib
import contextvars

import keras

WAYS = ("inverse", "forward")

_given = contextvars.ContextVar("given", default=())


def hoisted(layer, name):
    """What a method of a layer computes from its weights, or what was handed in for it.

    Args:
      layer: A layer with an attribute `hoists`.
      name: Of the method.

    Returns:
      A tuple or list of tensors.
    """
    for owner, method, tensors in _given.get():
        if owner is layer and method == name:
            return tensors
    return getattr(layer, name)()


class Hoisting:
    """What the parts of a layer compute from their weights alone.

    Args:
      layer: A Keras layer, perhaps of layers.
      way: That of `WAYS` which it is run in.

    Attributes:
      rest: Indices of those of `layer.variables` that are used as they are.
    """

    def __init__(self, layer, way):
        self._layer, self._methods, taken = layer, {}, set()
        for part in layer._flatten_layers():
            for name, count in getattr(part, "hoists", {}).get(way, {}).items():
                self._methods[part, name] = count
                taken.update(id(v) for v in part.variables)
        self.rest = [i for i, v in enumerate(layer.variables) if id(v) not in taken]

    def of(self, values):
        """All the tensors that are computed, one list.

        Args:
          values: Tensors, one for each of `layer.variables`, or many along a first axis of each.

        Raises:
          ValueError: A method returns another number of tensors than its `hoists` says.
        """
        tensors = []
        with keras.StatelessScope() as scope:
            # A mapping handed to the scope would have to be of the shapes of the variables.
            for update in zip(self._layer.variables, values, strict=True):
                scope.add_update(update)
            for (part, name), count in self._methods.items():
                found = getattr(part, name)()
                if len(found) != count:
                    raise ValueError(
                        f"{part.name}.{name} must return {count} tensors, as its `hoists` says, "
                        f"got {len(found)}."
                    )
                tensors += found
        return tensors

    @contextlib.contextmanager
    def given(self, tensors):
        """Within, these tensors stand in for what would be computed: a list as `of` returns it."""
        tensors, given = list(tensors), []
        for (part, name), count in self._methods.items():
            given.append((part, name, tensors[:count]))
            tensors = tensors[count:]
        token = _given.set((*given, *_given.get()))
        try:
            yield
        finally:
            _given.reset(token)
