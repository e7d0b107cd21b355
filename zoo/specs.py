"""What an event and a context of a flow are: shapes, types and ranges, checked in one line."""

import math

import keras
import numpy as np
from keras import ops

from zoo import backend, config, values

MOST_NUMBERS = 2**31 - 1


class EventSpec:
    """Events of one shape: continuous, or integers of so many grey levels.

    Args:
      event_shape: Shape of one event.
      levels: Number of grey levels of discrete data; `None` for continuous data.
      margin: How far floats may lie beyond the levels, where the density reaches there; `None`
        where it does not, and only what is to be scored is bounded.
      limits: What each entry of continuous data lies between, two lists; `None` for any numbers.

    Raises:
      ValueError: `levels` is no integer of at least two.
    """

    def __init__(self, event_shape, levels=None, margin=None, limits=None):
        self.shape = tuple(event_shape)
        self.size = math.prod(self.shape)
        self.levels = None if levels is None else config.count("levels", levels, least=2)
        self.margin, self.limits = margin, limits

    def check(self, x, bounded=True):
        """Data as a tensor.

        Raises:
          ValueError: It is not as described; floats outside of the levels are refused only where
            they are to be bounded.
        """
        self.check_described(x, bounded)
        return tensor(x, "x")

    def check_described(self, x, bounded=True):
        """Checks data of which the shape and the type are known, and perhaps the values."""
        x = described(x, "x")
        check_shape(x, self.shape, "x")
        self.check_type(x)
        margin = self.margin
        if margin is None:
            margin = 0.0 if bounded else np.inf
        values.check(x, "x", self.levels, margin)
        if self.limits is not None:
            values.check_limits(x, "x", *self.limits)

    def bounds(self, x):
        """As `values.bounds`, for events of the type of `x`."""
        if self.limits is not None:
            return ("x must lie within the bounds of its columns", *values.inner(*self.limits, x))
        return values.bounds("x", is_integer(x), self.levels, self.margin or 0.0)

    def check_type(self, x):
        """Refuses integers where data is continuous."""
        if is_integer(x) and self.levels is None:
            raise ValueError(
                "x holds integers, and this flow is over continuous data: cast them to float, or "
                "build the flow with levels, the number of grey levels."
            )

    def to_levels(self, x):
        """Floats as grey levels: `floor`, within `0..levels-1`, integers.

        Raises:
          ValueError: Data is continuous.
        """
        if self.levels is None:
            raise ValueError("This flow is over continuous data: it has no levels.")
        kind = "uint8" if self.levels <= 256 else "int32"
        return ops.cast(ops.clip(ops.floor(x), 0, self.levels - 1), kind)


class ContextSpec:
    """What a flow is conditioned on: nothing, vectors of one shape, or class labels.

    Args:
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes where the context is an integer label, or `None`.

    Attributes:
      labels: Whether contexts are labels; an event without one is of the mixture over classes.

    Raises:
      ValueError: Both are given, or one is no positive integer or shape.
    """

    def __init__(self, context_shape=None, num_classes=None):
        if context_shape is not None and num_classes is not None:
            raise ValueError(
                "context_shape is for vectors and num_classes for integer labels: give one of "
                f"them, got context_shape={context_shape} and num_classes={num_classes}."
            )
        self.num_classes = None if num_classes is None else config.count("num_classes", num_classes)
        self.shape = None if context_shape is None else config.shape("context_shape", context_shape)
        self.vector_shape = None if self.shape is None else (math.prod(self.shape),)
        self.labels = self.num_classes is not None
        if self.labels:
            self.shape, self.vector_shape = (), (self.num_classes,)

    @property
    def exists(self):
        """Whether there is a context."""
        return self.shape is not None

    @property
    def description(self):
        """What a context is, for messages."""
        if self.labels:
            return f"class labels 0..{self.num_classes - 1}"
        return f"vectors of shape {self.shape}"

    def bounds(self, context):
        """As `values.bounds`, for contexts of the type of `context`."""
        if not self.labels:
            return values.bounds("context", is_integer(context))
        return f"context must hold class labels 0..{self.num_classes - 1}", 0, self.num_classes - 1

    def check(self, context, batch=None, optional=False):
        """A context as a tensor, repeated over the batch where one is given for all.

        Args:
          context: `[*batch, *context_shape]`, or labels `[*batch]`; or `None`.
          batch: Number of rows that it must have; `None` for any leading shape.
          optional: Whether it may be missing.

        Raises:
          ValueError: It is missing, not taken, or not as described.
        """
        if not self.exists:
            if context is not None:
                raise ValueError("This flow takes no context, got one.")
            return None
        if context is None:
            if optional:
                return None
            raise ValueError(f"This flow needs a context: {self.description}.")
        context = described(context, "context")
        if self.labels:
            values.check_labels(context, self.num_classes)
        else:
            values.check(context, "context")
        context, have = tensor(context, "context"), tuple(context.shape)
        lead = have[: len(have) - len(self.shape)]
        if len(have) < len(self.shape) or have[len(lead) :] != self.shape:
            raise ValueError(f"context must hold {self.description}, got shape {list(have)}.")
        known = isinstance(batch, int) and lead != (None,)
        if batch is None or (len(lead) == 1 and not known):
            return context
        if len(lead) == 0:
            return ops.broadcast_to(context, (batch, *self.shape))
        if len(lead) != 1 or lead[0] != batch:
            raise ValueError(
                f"context must hold {self.description}, one a row ({batch}) or one for all, got "
                f"shape {list(have)}."
            )
        return context

    def embed(self, context, dtype):
        """What layers see of a checked context: vectors `[*batch, c]`, labels as one-hot ones."""
        if context is None:
            return None
        if self.labels:
            return ops.one_hot(context, self.num_classes, dtype=dtype)
        context = ops.cast(context, dtype)
        if len(self.shape) == 1:
            return context
        lead = ops.shape(context)[: len(context.shape) - len(self.shape)]
        return ops.reshape(context, (*lead, *self.vector_shape))


def is_integer(x):
    """Whether a tensor holds integers."""
    return "int" in str(keras.backend.standardize_dtype(x.dtype))


def described(x, what):
    """`x` as an array or tensor of real numbers, where it lies; a table of pandas as an array.

    Raises:
      ValueError: It is none, or values are masked, or left out.
    """
    if isinstance(x, str) or x is None:
        raise ValueError(f"{what} must be a numeric array or tensor, got {x!r}.")
    if np.ma.is_masked(x):
        raise ValueError(
            f"{what} must have all its values, got {np.ma.count_masked(x)} masked of {x.size}: "
            "fill them in, or leave out their rows."
        )
    if not backend.is_dense(x):
        raise ValueError(
            f"{what} must be a dense array or tensor, got a {type(x).__name__}: convert it."
        )
    x = values.as_array(x)
    if not hasattr(x, "dtype"):
        try:
            x = np.asarray(x)
        except ValueError as error:
            raise ValueError(
                f"{what} must be a numeric array or tensor; its rows differ in length."
            ) from error
    kind = np.dtype(x.dtype.as_numpy_dtype if hasattr(x.dtype, "as_numpy_dtype") else x.dtype)
    if kind.kind not in "iuf" and "bfloat16" not in str(kind):
        raise ValueError(f"{what} must hold real numbers or integers, got dtype {kind}.")
    return x


def tensor(x, what):
    """`x` as a tensor of the Keras backend.

    Raises:
      ValueError: It is none, or not numeric.
    """
    return ops.convert_to_tensor(described(x, what))


def check_latent(z, shape):
    """Latents `[batch, *shape]` as a tensor.

    Raises:
      ValueError: They are not as described.
    """
    z = described(z, "z")
    check_shape(z, shape, "z")
    values.check(z, "z")
    return ops.convert_to_tensor(z)


def check_shape(x, tail, what):
    """Checks that an array is `[batch, *tail]`.

    Raises:
      ValueError: It is not.
    """
    have = tuple(x.shape)
    fits = len(have) == len(tail) + 1 and all(
        h is None or h == w for h, w in zip(have[1:], tail, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{what} must have shape [batch{''.join(f', {n}' for n in tail)}], got {list(have)}."
        )


def check_count(n, what, size=1):
    """`n` as a non-negative integer, or a scalar integer tensor of a traced function.

    Args:
      n: How many events.
      what: Name of the argument, for messages.
      size: How many numbers an event has: together they are as many as an int32 counts.

    Raises:
      ValueError: It is neither, or too large.
    """
    if isinstance(n, int | np.integer) and not isinstance(n, bool):
        if n < 0:
            raise ValueError(f"{what} must not be negative, got {config.shown(n)}.")
        if n * size > MOST_NUMBERS:
            raise ValueError(
                f"{what} must be at most {MOST_NUMBERS // size}, got {config.shown(n)}: events of "
                "one call have less than 2**31 numbers; draw them in parts."
            )
        return int(n)
    if hasattr(n, "dtype") and len(n.shape) == 0 and is_integer(n):
        return n
    raise ValueError(f"{what} must be an integer, got {config.shown(n)}.")


def check_temperature(value):
    """`value` as a finite, non-negative number.

    Raises:
      ValueError: It is not.
    """
    if hasattr(value, "dtype") and not backend.is_concrete(value):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"temperature must be a number, got {config.shown(value)}.") from error
    if not (0 <= number <= float(np.finfo("float32").max)):
        raise ValueError(f"temperature must be finite and not negative, got {config.shown(value)}.")
    return number
