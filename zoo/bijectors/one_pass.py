"""The base of every bijector here: value and log-determinant from one evaluation."""

import functools
import inspect
import operator

import numpy as np
from keras import ops

from zoo import backend
from zoo.backend import cache_util, ps, tfb, tfp


class OnePassBijector(tfb.Bijector):
    """A `tfb.Bijector` given by two methods that return a value and its log-determinant together.

    Subclasses implement

    ```python
    def forward_and_log_det(self, x): ...   # x -> (y, log|det dy/dx|)
    def inverse_and_log_det(self, y): ...   # y -> (x, log|det dx/dy|)
    ```

    Everything TFP asks of a bijector is derived from the two through TFP's own cache, so that
    `tfd.TransformedDistribution.log_prob` costs one evaluation, and `log_prob` of a fresh sample
    costs none. Where only one direction is written, the other raises `NotImplementedError`.

    The arguments of a constructor are its bijector's `parameters`: copies and slices are made of
    them. Batch shapes come from the context, and from the tensors that `parameter_ndims` names.

    Args:
      event_ndims: Rank of one event on both sides; the log-determinant is summed over it.
      latent_ndims: Rank on the latent side where it differs from `event_ndims`.
      context: Tensor that the transformation is conditioned on, `[*batch, *context_shape]`, or
        `None`; its leading dimensions are the bijector's batch shape.
      context_ndims: Rank of one context.
      variables: The raw variables behind the transformation, so that
        `distribution.trainable_variables` finds them.
      dtype: Floating type of both sides.
      name: Name of the bijector.
    """

    # Whether every entry of what comes out increases with its own, and depends on no other.
    increases = False

    # Of tensors among the constructor's arguments: the rank that one smallest event uses of each.
    parameter_ndims: dict[str, int] = {}

    _cache = cache_util.BijectorCacheWithGreedyAttrs(
        forward_name="_augmented_forward", inverse_name="_augmented_inverse"
    )

    def __new__(cls, *args, **kwargs):
        instance = super().__new__(cls)
        given = inspect.signature(cls.__init__).bind(instance, *args, **kwargs).arguments
        given.pop("self")
        # Past the tracking of attributes.
        instance.__dict__["_given"] = given | given.pop("kwargs", {})
        return instance

    def __init__(
        self,
        event_ndims=1,
        latent_ndims=None,
        context=None,
        context_ndims=1,
        variables=(),
        dtype=None,
        name=None,
    ):
        self._context = context
        self._context_ndims = context_ndims
        super().__init__(
            forward_min_event_ndims=event_ndims if latent_ndims is None else latent_ndims,
            inverse_min_event_ndims=event_ndims,
            dtype=None if dtype is None else backend.dtype(dtype),
            validate_args=False,
            parameters=self.__dict__.pop("_given"),
            name=name or type(self).__name__,
        )
        self._raw_variables = list(variables)

    # Equal bijectors share cached values, and weights may change between two of equal parameters.
    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other

    @property
    def context(self):
        """What the transformation is conditioned on, or `None`."""
        return self._context

    def forward_and_log_det(self, x):
        """Latent to data: `x -> (y, log|det dy/dx|)`."""
        raise NotImplementedError(f"{self.name} has no forward direction (latent to data).")

    def inverse_and_log_det(self, y):
        """Data to latent: `y -> (x, log|det dx/dy|)`."""
        raise NotImplementedError(f"{self.name} has no inverse direction (data to latent).")

    def forward_value(self, x):
        """Latent to data, where the log-determinant is not asked for and would cost much."""
        return self.forward_and_log_det(x)[0]

    def inverse_value(self, y):
        """Data to latent, where the log-determinant is not asked for and would cost much."""
        return self.inverse_and_log_det(y)[0]

    def _is_increasing(self):
        if self.inverse_min_event_ndims or not self.increases:
            raise NotImplementedError(
                f"{self.name} is not known to increase; of scalars it is where its class says that "
                "it `increases`."
            )
        return True

    @classmethod
    def _parameter_properties(cls, dtype):
        def of_context(self, x_event_ndims):
            return self._context_ndims + x_event_ndims - self.forward_min_event_ndims

        ranks = {"context": of_context, **cls.parameter_ndims}
        return {name: tfp.util.ParameterProperties(rank) for name, rank in ranks.items()}

    def _augmented_forward(self, x):
        y, log_det = self.forward_and_log_det(x)
        return y, {"fldj": log_det, "ildj": -log_det}

    def _augmented_inverse(self, y):
        x, log_det = self.inverse_and_log_det(y)
        return x, {"ildj": log_det, "fldj": -log_det}

    def _forward(self, x):
        return self._augmented_forward(x)[0]

    def _inverse(self, y):
        return self._augmented_inverse(y)[0]

    def _forward_log_det_jacobian(self, x):
        attributes = self._cache.forward_attributes(x)
        if "fldj" not in attributes:
            attributes.update(self._augmented_forward(x)[1])
        return attributes["fldj"]

    def _inverse_log_det_jacobian(self, y):
        attributes = self._cache.inverse_attributes(y)
        if "ildj" not in attributes:
            attributes.update(self._augmented_inverse(y)[1])
        return attributes["ildj"]


class TransformingBijector(OnePassBijector):
    """A bijector that is a transformer applied to entries, both ways alike.

    Subclasses implement `_apply(x, transform) -> (y, log_det)`, with `transform(entries, params)`
    elementwise; their log-determinants are summed over `self._axes`.

    Args:
      transformer: A `zoo.transformers.Transformer`.
      event_ndims: Rank of an event.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, transformer, event_ndims, **kwargs):
        self._transformer, self._axes = transformer, tuple(range(-event_ndims, 0))
        super().__init__(event_ndims=event_ndims, **kwargs)

    def forward_and_log_det(self, x):
        return self._apply(x, self._transformer.forward_and_log_det)

    def inverse_and_log_det(self, y):
        return self._apply(y, self._transformer.inverse_and_log_det)


class ReshapingBijector(OnePassBijector):
    """A bijector whose events have one shape on the data side and another on the latent side.

    Args:
      event_shape: Shape of one event on the data side.
      latent_shape: Shape of one event on the latent side.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, event_shape, latent_shape, **kwargs):
        self._data_shape, self._latent_shape = tuple(event_shape), tuple(latent_shape)
        super().__init__(len(self._data_shape), len(self._latent_shape), **kwargs)

    def _forward_event_shape(self, input_shape):
        return _swapped(input_shape, self._latent_shape, self._data_shape)

    def _inverse_event_shape(self, output_shape):
        return _swapped(output_shape, self._data_shape, self._latent_shape)

    def _forward_event_shape_tensor(self, input_shape):
        return _swapped_tensor(input_shape, self._latent_shape, self._data_shape)

    def _inverse_event_shape_tensor(self, output_shape):
        return _swapped_tensor(output_shape, self._data_shape, self._latent_shape)


def _swapped(shape, given, other):
    shape = tuple(shape)
    return shape[: len(shape) - len(given)] + other


def _swapped_tensor(shape, given, other):
    lead = shape[: ps.size(shape) - len(given)]
    return ps.concat([lead, np.asarray(other, np.int32)], axis=0)


def forward_and_log_det(bijector, x, event_ndims):
    """`(y, log_det)` of any TFP bijector on events of this rank, in one evaluation if it can."""
    if isinstance(bijector, OnePassBijector):
        y, log_det = bijector.forward_and_log_det(x)
        return y, _sum_last(log_det, event_ndims - bijector.forward_min_event_ndims)
    y = bijector.forward(x)
    return y, bijector.forward_log_det_jacobian(x, event_ndims)


def inverse_and_log_det(bijector, y, event_ndims):
    """`(x, log_det)` of any TFP bijector on events of this rank, in one evaluation if it can."""
    if isinstance(bijector, OnePassBijector):
        x, log_det = bijector.inverse_and_log_det(y)
        return x, _sum_last(log_det, event_ndims - bijector.inverse_min_event_ndims)
    x = bijector.inverse(y)
    return x, bijector.inverse_log_det_jacobian(y, event_ndims)


def forward_value(bijector, x):
    """`y` of any TFP bijector, without the log-determinant where that saves work."""
    return (
        bijector.forward_value(x) if isinstance(bijector, OnePassBijector) else bijector.forward(x)
    )


def inverse_value(bijector, y):
    """`x` of any TFP bijector, without the log-determinant where that saves work."""
    return (
        bijector.inverse_value(y) if isinstance(bijector, OnePassBijector) else bijector.inverse(y)
    )


def sum_of(log_dets):
    """The sum of log-determinants, at least one: without a zero to start from."""
    return functools.reduce(operator.add, log_dets)


def _sum_last(x, ndims):
    return ops.sum(x, axis=tuple(range(-ndims, 0))) if ndims > 0 else x
