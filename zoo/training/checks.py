"""Numbers of datasets and generators, looked at as their batches come."""

import contextlib
import functools
import types

import keras

from zoo import backend, specs, values
from zoo.training.data import as_arrays, check, parts, weights_of


class Watch:
    """Looks at what `fit` and `evaluate` read.

    Args:
      model: A `LikelihoodModel`.
    """

    def __init__(self, model):
        self._model, self._error = model, None

    def over(self, data):
        """The data, looked at batch by batch; arrays are handed through, for they were before."""
        if hasattr(data, "element_spec") and hasattr(data, "map"):
            return self._checked(data)
        if isinstance(data, types.GeneratorType):
            return (self._looked_at(batch) for batch in data)
        return _Watched(data, self._looked_at) if isinstance(data, keras.utils.PyDataset) else data

    @functools.cached_property
    def _checked(self):
        return backend.checker(self._bounds)

    @contextlib.contextmanager
    def reports(self):
        """Within, a batch that is refused raises in one line, not with the pipeline's stack.

        Raises:
          ValueError: A batch is not of the model's shape, type or range.
        """
        self._error = None
        try:
            yield
        except Exception as error:
            words = str(self._error or "") or backend.refused(error)
            if not words:
                raise
            raise ValueError(words) from None

    def _looked_at(self, batch):
        """A batch of arrays; what is wrong is kept, for the pipeline makes another error of it."""
        batch = as_arrays(batch)
        x, context, weight = parts(batch)
        if not hasattr(x, "shape"):
            return batch
        try:
            check(self._model, x, context, x.shape[0])
            if weight is not None:
                weights_of(weight, x.shape[0])
        except ValueError as error:
            self._error = error
            raise
        return batch

    def _bounds(self, *batch):
        """What each tensor of a batch must be: see `backend.checker`."""
        x, context, weight = parts(batch)
        found, n = [(x, self._model.event.bounds(x))], backend.rows(x)
        if context is not None:
            found.append((context, self._model.context.bounds(context)))
        if weight is not None:
            found.append((weight, values.bounds("sample_weight", specs.is_integer(weight))))
        for what, rows in (("context", context), ("sample_weight", weight)):
            if rows is not None:
                words = f"{what} must be as many as x, the events of a batch"
                found.append((backend.rows(rows), (words, n, n)))
        return [(what, told) for what, told in found if told is not None]


class _Watched(keras.utils.PyDataset):
    """A dataset of Keras' whose batches are looked at."""

    def __init__(self, dataset, look):
        settings = "workers", "use_multiprocessing", "max_queue_size"
        super().__init__(**{name: getattr(dataset, name) for name in settings})
        self._dataset, self._look = dataset, look

    def __getitem__(self, index):
        return self._look(self._dataset[index])

    def __len__(self):
        return len(self._dataset)

    @property
    def num_batches(self):
        return self._dataset.num_batches

    def on_epoch_begin(self):
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        self._dataset.on_epoch_end()
