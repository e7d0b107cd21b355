"""What `fit` and `evaluate` are given: checked, and as Keras is to see it."""

import keras
import numpy as np
from keras import ops

from zoo import config, specs, values


def prepared(model, x, y=None, weight=None):
    """Checks data as `fit` takes them.

    Returns:
      Events, context and weights as Keras is to see them.

    Raises:
      ValueError: They are not of the model's shape, type or range.
    """
    if gives_batches(x):
        for what, given in (("context", y), ("sample_weight", weight)):
            if given is not None:
                raise ValueError(f"{what} comes with x in the batches of a dataset, got one apart.")
        if hasattr(x, "element_spec"):
            _check_dataset(model, x.element_spec)
        else:
            model.training_loss.check_data(model, False, None)
        return x, y, weight
    x, y = specs.described(x, "x"), None if is_absent(y) else specs.described(y, "context")
    if y is not None and not model.conditional:
        raise ValueError(f"{model.name} takes no context, but the data comes in pairs with one.")
    n = x.shape[0] if len(x.shape) else None
    check(model, x, y, n)
    if n == 0:
        raise ValueError("x must hold at least one event, got none.")
    if y is not None and tuple(y.shape)[:1] != (n,):
        raise ValueError(f"context must be given for each of the {n} events, got one for all.")
    model.training_loss.check_data(model, True, y)
    if weight is None:
        return x, y, weight
    if y is None:
        # Keras drops weights where there is no target: one without entries stands in (`is_absent`).
        y = np.zeros((n, 0), "float32")
    return x, y, weights_of(weight, n)


def gives_batches(x):
    """Whether `x` is a dataset or a generator of batches, and no array of events."""
    of_torch = type(x).__module__.split(".")[0] == "torch" and hasattr(x, "dataset")
    dataset = isinstance(x, keras.utils.PyDataset) or hasattr(x, "element_spec")
    return dataset or hasattr(x, "__next__") or of_torch


def check_counts(validation_split=0.0, **given):
    """Checks arguments of Keras' own: a share of the data, and positive integers or `None`s.

    Raises:
      ValueError: One is none.
    """
    if not (config.is_number(validation_split) and 0 <= validation_split < 1):
        raise ValueError(f"validation_split must lie in [0, 1), got {validation_split!r:.80}.")
    for name, value in given.items():
        if name == "epochs" or not (value is None or value == "auto"):
            config.count(name, value, least=int(name != "epochs"))


def check(model, x, context=None, n=None):
    """Refuses data that do not fit.

    Args:
      model: A `LikelihoodModel`.
      x: Something with a shape and a type: events `[n, *event_shape]`, or a description.
      context: Their contexts, or `None`.
      n: Number of events that there must be a context for; `None` where that is not known.

    Raises:
      ValueError: They are not of the model's shape, type or range.
    """
    model.event.check_described(x)
    if n is not None:
        model.context.check(context, n, optional=model.context.labels)


def _check_dataset(model, spec):
    """Checks what a dataset says of its batches; of a context no more than whether it is there.

    Raises:
      ValueError: They are not of the model's shape or type.
    """
    x, context, weight = parts(spec)
    if context is not None and not model.conditional:
        raise ValueError(f"{model.name} takes no context, but the data comes in pairs with one.")
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        check(model, x, None, 0 if context is None else None)
    model.training_loss.check_data(model, True, context)
    shape = getattr(weight, "shape", None)
    if shape is not None and shape.rank is not None and tuple(shape[1:]) not in ((), (1,)):
        raise ValueError(
            "sample_weight must hold one number for each event of a batch, of shape [batch] or "
            f"[batch, 1], got {list(shape)}."
        )


def is_absent(context):
    """Whether there is no context, or one without entries that stands in for it."""
    return context is None or tuple(getattr(context, "shape", ()))[1:] == (0,)


def parts(batch):
    """Events, context and weights of a batch `(x,)`, `(x, context)` or `(x, context, weights)`.

    `None` stands for a part that is not there; `x` may be a pair of events and context.
    """
    batch = batch if isinstance(batch, tuple) else (batch,)
    x, context, weight = (*batch, None, None)[:3]
    if isinstance(x, list | tuple):
        x, context = (*x, context)[:2]
    # What a dataset holds in place of `None` has no type.
    context, weight = (part if hasattr(part, "dtype") else None for part in (context, weight))
    return x, None if is_absent(context) else context, weight


def as_arrays(batch):
    """A batch in which tables and columns of pandas are arrays."""
    if isinstance(batch, tuple):
        return tuple(map(as_arrays, batch))
    return values.as_array(batch)


def like(weight, loss):
    """Weights `[n]` or `[n, 1]` in the shape and type of `loss [n]`."""
    return ops.reshape(ops.cast(weight, loss.dtype), ops.shape(loss))


def weights_of(weight, n):
    """Weights `[n]` of `[n]` or `[n, 1]`.

    Raises:
      ValueError: They are of another shape, or no finite numbers.
    """
    try:
        if np.iscomplexobj(weight):
            raise TypeError  # NumPy would leave out the imaginary part.
        found = np.asarray(weight, "float32")
    except (TypeError, ValueError):
        raise ValueError(
            f"sample_weight must hold real numbers, got {config.shown(weight)}."
        ) from None
    if found.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"sample_weight must hold one number for each of the {n} events, of shape ({n},) or "
            f"({n}, 1), got {found.shape}."
        )
    if np.ma.is_masked(weight) or not np.isfinite(found).all():
        raise ValueError("sample_weight must be finite, got NaN, infinite or masked values.")
    return np.reshape(found, (n,))


def refuse_class_weight(given):
    """Refuses weights of classes, which Keras would look for among targets."""
    if given is not None:
        raise ValueError(
            "class_weight is not taken: give sample_weight, one number for each event, such as "
            "weights[labels]."
        )
