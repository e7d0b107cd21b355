"""Calls of compiled functions that know their graph; a part of `zoo.backend`, for TensorFlow."""

import tensorflow as tf

# Graphs remembered of one function: a caller with ever new shapes would fill the memory.
_MOST = 64
_BRANCHES = {"While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase"}


class RememberedGraphs:
    """A `tf.function` that remembers which of its graphs takes tensors of which types and shapes.

    TensorFlow looks for it at each call, by way of the types of all variables that its graphs read:
    for a small flow a third of the call. What is called here is what TensorFlow would find. Where
    that depends on more than the arguments (within another function, under a distribution strategy,
    op by op), or these are nested, TensorFlow is asked as ever; and so it is for graphs with loops
    and branches under XLA, whose gradients are built otherwise in a call of the function.

    Args:
      function: Takes positional tensors, numbers and `None`, nested perhaps, and returns tensors.
      jit_compile: Whether to compile with XLA.
      **options: Further ones of `tf.function`.
    """

    def __init__(self, function, jit_compile=False, **options):
        self._jit, self._known = jit_compile, {}
        self.function = tf.function(function, jit_compile=jit_compile, **options)

    def __call__(self, *args):
        key = _key(args)
        if key is None:
            return self.function(*args)
        call = self._known.get(key) or self._find(key, args)
        return call(*args)

    def _find(self, key, args):
        # No graph is bound to a device that happens to be chosen around the call.
        with tf.device(None):
            call = self.function.get_concrete_function(*args)
        if self._jit and _branches(call.graph.as_graph_def()):
            call = self.function
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = call
        return call


def _key(args):
    """What decides which graph is called; `None` where that is more than is known here."""
    if not tf.executing_eagerly() or tf.config.functions_run_eagerly():
        return None
    if tf.distribute.has_strategy():
        return None
    kinds = tuple(map(_kind, args))
    return None if None in kinds else kinds


def _kind(x):
    """What of an argument decides; `None` where it is no tensor, number or `None`."""
    if isinstance(x, tf.Tensor):
        return x.dtype, tuple(x.shape)
    return (type(x), x) if x is None or type(x) in (bool, int, float) else None


def _branches(graph):
    """Whether a graph, or a function in it, holds a loop or a branch."""
    functions = [graph.node, *(f.node_def for f in graph.library.function)]
    return any(node.op in _BRANCHES for nodes in functions for node in nodes)
