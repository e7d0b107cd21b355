"""Bijections that are given, not built: any of TFP's that a file may name, and those of columns."""

import numpy as np
from keras import ops

from zoo import backend
from zoo.backend import configuration, tfb
from zoo.config import register
from zoo.layers.flow_layer import FlowLayer


@register("zoo.layers")
class Fixed(FlowLayer):
    """A bijector of TFP as a layer: its forward direction goes from the latent to the data.

    `zoo.Flow([zoo.layers.Fixed(tfb.Softplus()), ...])` is a flow over positive numbers. It trains,
    saves and exports with the flow; `tf.Variable`s of the bijector are weights of the layer.

    Args:
      bijector: A `tfb.Bijector`, made of numbers, arrays, variables and the classes that
        `zoo.backend.configuration` lists.
      event_shape: Shape of one event on the data side; `None` is that of the layer before, or of
        the one behind.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: It is no bijector, of a class that no file could name, of another type than the
        layer, or not one for such events.
    """

    # Weights are TFP's own variables, which `layers.recompute` could not hand over.
    recompute = None

    def __init__(self, bijector, event_shape=None, **kwargs):
        super().__init__(() if event_shape is None else event_shape, **kwargs)
        if isinstance(bijector, dict):
            bijector = configuration.deserialize(bijector)
        if not isinstance(bijector, tfb.Bijector):
            raise ValueError(f"bijector must be a tfb.Bijector, got {bijector!r}.")
        configuration.serialize(bijector, "bijector")  # Told now, not when it is to be saved.
        self._bijector = bijector
        configuration.see_variables(self, bijector)
        self.event_shape = self.latent_shape = None
        if event_shape is not None:
            self.take_shape(event_shape)

    def take_shape(self, event_shape):
        """Takes the shape of the events that it is put before.

        Raises:
          ValueError: The bijector is not one for such events.
        """
        shape = tuple(event_shape)
        ndims = max(len(shape), self._bijector.inverse_min_event_ndims)

        def used(z):
            y = self._bijector.forward(z)
            return y, self._bijector.inverse_log_det_jacobian(y, ndims)

        try:
            latent_shape = tuple(self._bijector.inverse_event_shape(shape))
            given = (2, *latent_shape), self.variable_dtype
            # Parameters of a file may broadcast to more than fits in memory.
            found = backend.result_shapes(used, *given)
            if None in found:
                found = [tuple(x.shape) for x in used(ops.zeros(*given))]
            y, log_det = found
            fits = y == (2, *shape) and log_det in ((2,), ())
        except Exception as error:  # Whatever TFP and the backend raise where it is first used.
            told = " ".join(str(error).split())[:200]
            raise ValueError(
                f"{self._bijector.name} is no bijector for events of shape {shape} and type "
                f"{self.variable_dtype}: {told}"
            ) from error
        if not fits:
            raise ValueError(
                f"{self._bijector.name} is no bijector for events of shape {shape}: it makes "
                f"{y[1:]} of them, with log-determinants of shape {log_det[1:]}; its parameters "
                "must be of the event's shape."
            )
        self.event_shape, self.latent_shape = shape, latent_shape

    def bijector(self, context=None, randomness=None):
        return self._bijector

    def get_config(self):
        """The arguments, the bijector as data."""
        self._arguments["bijector"] = configuration.serialize(self._bijector, "bijector")
        return super().get_config()


@register("zoo.layers")
class Columns(FlowLayer):
    """Columns of a table in their own units to numbers of roughly unit size, of the whole line.

    Entry by entry, with `tfb.Shift`, `tfb.Scale` and, of bounded columns, `tfb.Softplus`,
    `tfb.Sigmoid` or `tfb.Exp`: data are `shift + scale z`, `low + scale softplus(z)`,
    `high - scale softplus(z)`, `low + (high - low) sigmoid(z)` or `scale exp(z)`. Densities are
    exact, in the columns' units, and samples stay within the bounds. It learns nothing.

    Args:
      event_shape: Shape `(d,)` of one row.
      bounds: One a column: `None` where it has none, `(low, high)` with `None` for an open end, or
        `"log"` for positive numbers over orders of magnitude; `None` for no bounds at all.
      shift: Number a column, such as its mean; zeros where it is `None`.
      scale: Positive number a column, such as its standard deviation; ones where it is `None`.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: Bounds, shift or scale are not as described, or beyond the precision of the
        layer's type, or events are no vectors.
    """

    def __init__(self, event_shape, bounds=None, shift=None, scale=None, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.bounds = check_bounds(bounds, self.event_shape)
        size = len(self.bounds)
        self._shift = _numbers("shift", [0.0] * size if shift is None else shift, size)
        self._scale = _numbers("scale", [1.0] * size if scale is None else scale, size)
        if min(self._scale) <= 0:
            raise ValueError(f"scale must be positive, got {min(self._scale)}.")
        self._check_precision()

    def _check_precision(self):
        """Refuses numbers that are no longer what they were in the layer's type."""
        given = (*self.limits, self._shift, self._scale)
        with np.errstate(over="ignore", under="ignore"):
            low, high, shift, scale = (np.asarray(x, self.variable_dtype) for x in given)
        fits = (low < high) & np.isfinite(shift) & np.isfinite(scale) & (scale > 0)
        # An end that is given is no infinity.
        ends = [(low, self.limits[0]), (high, self.limits[1])]
        fits &= np.all([np.isinf(end) == np.isinf(was) for end, was in ends], axis=0)
        if not fits.all():
            i = int(np.argmin(fits))
            raise ValueError(
                f"column {i} has bounds {self.bounds[i]}, shift {self._shift[i]} and scale "
                f"{self._scale[i]}, which {self.variable_dtype} cannot tell apart or hold: use "
                'other units, or dtype="float64".'
            )

    @property
    def limits(self):
        """What events lie between, both ends apart: two lists, infinite where a column is open."""
        pairs = [
            (0.0, None) if b == "log" else (None, None) if b is None else b for b in self.bounds
        ]
        return (
            [-np.inf if low is None else low for low, _ in pairs],
            [np.inf if high is None else high for _, high in pairs],
        )

    def bijector(self, context=None, randomness=None):
        kinds = [_kind(bound) for bound in self.bounds]
        # Neighbours of one kind are one block.
        starts = [i for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1]]
        ends = [*starts[1:], len(kinds)]
        blocks = [self._block(kinds[a], a, b) for a, b in zip(starts, ends, strict=True)]
        if len(blocks) == 1:
            return blocks[0]
        sizes = [b - a for a, b in zip(starts, ends, strict=True)]
        return tfb.Blockwise(blocks, block_sizes=sizes, name=self.name)

    def _block(self, kind, start, end):
        """The bijector of the columns from `start` to before `end`."""
        as_array = lambda values: np.asarray(values[start:end], self.variable_dtype)  # noqa: E731
        low, high = (as_array(values) for values in self.limits)
        scale = as_array(self._scale)
        if kind == "line":
            return tfb.Chain([tfb.Shift(as_array(self._shift)), tfb.Scale(scale)])
        if kind == "log":
            return tfb.Chain([tfb.Scale(scale), tfb.Exp()])
        if kind == "between":
            return tfb.Sigmoid(low, high)
        low, scale = (low, scale) if kind == "above" else (high, -scale)
        return tfb.Chain([tfb.Shift(low), tfb.Scale(scale), tfb.Softplus()])


def check_bounds(bounds, event_shape):
    """`bounds` of columns as a list with one of each: `None`, `"log"` or `(low, high)`, floats.

    Raises:
      ValueError: They are not as `Columns` has them.
    """
    if len(event_shape) != 1:
        raise ValueError(
            f"bounds and units of columns are for vectors (d,), got events of {tuple(event_shape)}."
        )
    if bounds is None:
        return [None] * event_shape[0]
    if not isinstance(bounds, list | tuple) or len(bounds) != event_shape[0]:
        raise ValueError(
            f"bounds must hold one a column, {event_shape[0]} of them, got {bounds!r}."
        )
    return [_bound(bound, i) for i, bound in enumerate(bounds)]


def _bound(bound, i):
    if bound is None or (isinstance(bound, str) and bound == "log"):
        return bound
    try:
        low, high = (None if end is None else float(end) for end in bound)
    except (TypeError, ValueError):
        low = high = np.nan
    ends = [end for end in (low, high) if end is not None]
    if not np.isfinite(ends).all() or (len(ends) == 2 and low >= high):
        raise ValueError(
            f'bounds[{i}] must be None, "log", or (low, high) with low < high and None for an open '
            f"end, got {bound!r}."
        )
    return (low, high) if ends else None


def _kind(bound):
    """Which of the maps a column takes."""
    if bound is None:
        return "line"
    if bound == "log":
        return "log"
    return "between" if None not in bound else "below" if bound[0] is None else "above"


def _numbers(name, values, size):
    found = np.asarray(values, np.float64)
    if found.shape != (size,) or not np.isfinite(found).all():
        raise ValueError(
            f"{name} must hold a finite number a column, {size} of them, got {values!r}."
        )
    return found.tolist()
