"""Calls of compiled functions that know their graph; a part of `zoo.backend`, for TensorFlow."""

import threading

import tensorflow as tf
from tensorflow.python.eager import context as eager_context

# Graphs remembered of one function: a caller with ever new shapes would fill the memory.
_MOST = 64


class RememberedGraphs:
    """A `tf.function` that remembers which of its graphs takes tensors of which types and shapes.

    TensorFlow looks for it at each call, by way of the types of all variables that its graphs read:
    where those are many, that takes a millisecond, as much as a small flow's arithmetic. What is
    called here is what TensorFlow would find. Where that depends on more than the arguments (within
    another function, under a distribution strategy, op by op), or these are nested, TensorFlow is
    asked as ever.

    Args:
      function: Takes positional tensors, numbers and `None`, nested perhaps, and returns tensors.
      **options: Of `tf.function`.
    """

    def __init__(self, function, **options):
        def noted(*args):
            # What is traced now is the graph of this call.
            self._traced.graph = tf.compat.v1.get_default_graph()
            return function(*args)

        self._traced, self._known = threading.local(), {}
        self.function = tf.function(noted, **options)
        # TensorFlow counts traces by source line: many flows would look like one traced often.
        self.function._omit_frequent_tracing_warning = True

    def __call__(self, *args):
        key = self._key(args)
        graph = self._known.get(key)
        if graph is not None:
            tensors = [x for x in args if isinstance(x, tf.Tensor)]
            return graph._call_flat(tensors, graph.captured_inputs)
        self._traced.graph = None
        try:
            result = self.function(*args)
            if key is not None and self._traced.graph is not None:
                self._remember(key, self._traced.graph)
        finally:
            self._traced.graph = None
        return result

    def _key(self, args):
        """What decides which graph is called; `None` where that is more than is known here."""
        if not tf.executing_eagerly() or tf.config.functions_run_eagerly():
            return None
        if tf.distribute.has_strategy():
            return None
        kinds = tuple(map(_kind, args))
        # On some devices, a graph is that of the scope it was traced in.
        return None if None in kinds else (eager_context.context().device_name, *kinds)

    def _remember(self, key, traced):
        for graph in self.function._list_all_concrete_functions():
            if graph.graph is traced and hasattr(graph, "_call_flat"):
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[key] = graph


def _kind(x):
    """What of an argument decides; `None` where it is no tensor, number or `None`."""
    if isinstance(x, tf.Tensor):
        return x.dtype, tuple(x.shape)
    return (type(x), x) if x is None or isinstance(x, bool | int | float) else None
