"""Calls of compiled functions that know their graph; a part of `zoo.backend`, for TensorFlow."""

import tensorflow as tf
from tensorflow.python.eager import context as eager_context
from tensorflow.python.eager.polymorphic_function.polymorphic_function import OptionalXlaContext

# Graphs remembered of one function: a caller with ever new shapes would fill the memory.
_MOST = 64


class RememberedGraphs:
    """A `tf.function` that remembers which of its graphs takes tensors of which types and shapes.

    TensorFlow looks for it at each call, by way of the types of all variables that its graphs read:
    where those are many, that takes a millisecond, as much as a small flow's arithmetic. What is
    called here is what TensorFlow would find, as it would call it. Where that depends on more than
    the arguments (within another function, under a distribution strategy, op by op), or these are
    nested, TensorFlow is asked as ever.

    Args:
      function: Takes positional tensors, numbers and `None`, nested perhaps, and returns tensors.
      jit_compile: Whether to compile with XLA.
      **options: Further ones of `tf.function`.
    """

    def __init__(self, function, jit_compile=False, **options):
        self._jit, self._known = jit_compile, {}
        self.function = tf.function(function, jit_compile=jit_compile, **options)
        # TensorFlow counts traces by source line: many flows would look like one traced often.
        self.function._omit_frequent_tracing_warning = True

    def __call__(self, *args):
        key = self._key(args)
        if key is None:
            return self.function(*args)
        # Graphs of gradients are made in a call, and look for this.
        with OptionalXlaContext(self._jit):
            graph = self._known.get(key)
            if graph is None:
                graph = self._find(key, args)
            tensors = [x for x in args if isinstance(x, tf.Tensor)]
            return graph._call_flat(tensors, graph.captured_inputs)

    def _key(self, args):
        """What decides which graph is called; `None` where that is more than is known here."""
        if not tf.executing_eagerly() or tf.config.functions_run_eagerly():
            return None
        if tf.distribute.has_strategy():
            return None
        kinds = tuple(map(_kind, args))
        # On some devices, graphs are those of a scope.
        return None if None in kinds else (eager_context.context().device_name, *kinds)

    def _find(self, key, args):
        graph = self.function.get_concrete_function(*args)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = graph
        return graph


def _kind(x):
    """What of an argument decides; `None` where it is no tensor, number or `None`."""
    if isinstance(x, tf.Tensor):
        return x.dtype, tuple(x.shape)
    return (type(x), x) if x is None or type(x) in (bool, int, float) else None
