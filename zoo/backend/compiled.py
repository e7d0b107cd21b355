"""Functions compiled on first use: which are kept, and the batch sizes that they are padded to."""

import contextlib
import contextvars
import functools

import keras
from keras import ops

from zoo.backend.gradients import own_function, registered_here
from zoo.backend.which import NAME

if NAME == "tensorflow":
    import tensorflow as tf
else:
    import jax

# Graphs remembered of one function: a caller with ever new shapes would fill the memory.
_MOST = 64
_BRANCHES = {"While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase"}


def compiled(function, model, jit):
    """`function(*tensors)` compiled on first use; reads the weights `model` has at each call.

    Args:
      function: Takes and returns tensors (or `None`); may read `model`'s variables.
      model: The Keras model whose variables `function` reads.
      jit: Whether to compile with XLA (under JAX everything is).
    """
    if NAME == "tensorflow":
        return _graph(function, RememberedGraphs, jit_compile=bool(jit), reduce_retracing=not jit)

    @jax.jit
    def stateless(values, *args):
        with keras.StatelessScope(state_mapping=zip(model.variables, values, strict=True)):
            return function(*args)

    return lambda *args: stateless([v.value for v in model.variables], *args)


class CompiledCalls:
    """A model's computations, each compiled on first use.

    Args:
      model: The Keras model whose weights are read at each call.
    """

    def __init__(self, model):
        self._model, self._functions = model, {}

    def function(self, function, jit):
        """`function(model, *tensors)`, compiled as a function of the tensors."""
        key = (function, bool(jit))
        if key not in self._functions:
            call = functools.partial(function, self._model)
            self._functions[key] = compiled(call, self._model, jit)
        return self._functions[key]

    def __call__(self, function, rows, rest=(), jit=False):
        """`function(model, *rows, *rest)` of `[n, ...]` rows, `[n, ...]`.

        Under XLA, which compiles for each shape, rows are padded to a few sizes.
        """
        n = rows[0].shape[0]
        # TensorFlow's convolutions on a CPU give no rows of the wrong shape for no rows.
        added = bucket(n) - n if jit or n == 0 else 0
        if added:
            rows = [pad(x, added) for x in rows]
        y = self.function(function, jit)(*rows, *rest)
        return y[:n] if added else y


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


def bucket(n):
    """The batch size that a call with `n` rows is padded to under XLA, which compiles per shape.

    The sizes are 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: few enough that calls with many batch sizes
    compile rarely, and at most half of the work is on padding.
    """
    size = 1 << max(n - 1, 0).bit_length()
    return size * 3 // 4 if size >= 4 and n <= size * 3 // 4 else size


def pad(x, rows):
    """Repeats the first row at the end: padding must be data that the flow can take."""
    if x is None:
        return None
    if x.shape[0] == 0:
        return ops.zeros((rows, *x.shape[1:]), dtype=x.dtype)
    return ops.concatenate([x, ops.repeat(x[:1], rows, axis=0)], axis=0)


def traced(function, apart=False):
    """`function` traced once for each shape of its arguments, wherever it is called from.

    Args:
      function: Takes and returns nested tensors.
      apart: Whether each call is run by itself, and not woven into the graph around it: what it
        needs on the way is gone when it is done, and TensorFlow optimises one graph for all the
        calls, not a copy for each. But nothing after a call starts before all of it is done, which
        takes time where gradients of weights could wait, and the gradient of a call keeps more.
    """
    if NAME == "jax":
        return jax.jit(function)
    attributes = {"_noinline": True} if apart else None
    return _graph(function, tf.function, reduce_retracing=True, experimental_attributes=attributes)


def result_shapes(function, shape, dtype):
    """Shapes of the tensors that `function` makes of one, found without computing any.

    Args:
      function: Takes a tensor, and returns a tuple of tensors.
      shape, dtype: Of the tensor that it takes.

    Returns:
      List of tuples; `None` in place of one that is not known without computing.
    """
    if NAME == "jax":
        found = jax.eval_shape(function, jax.ShapeDtypeStruct(shape, dtype))
        return [tuple(x.shape) for x in found]
    graph = tf.function(own_function(function), autograph=False)
    found = graph.get_concrete_function(tf.TensorSpec(shape, dtype)).structured_outputs
    return [tuple(x.shape) if x.shape.is_fully_defined() else None for x in found]


def _graph(function, make, **options):
    """What `make` makes of `function`; its graphs own the gradients registered while traced."""

    def traced_function(*args):
        with registered_here():
            return function(*args)

    return make(own_function(traced_function), autograph=False, **options)


_uses_xla = contextvars.ContextVar("uses_xla", default=True)


@contextlib.contextmanager
def without_xla():
    """What TensorFlow traces inside holds no XLA: graphs for export, which take any batch size."""
    token = _uses_xla.set(False)
    try:
        yield
    finally:
        _uses_xla.reset(token)


def uses_xla():
    """Whether XLA may be used where this is called."""
    return _uses_xla.get()


def shape_invariant_jit(function):
    """XLA-compiles a loop-heavy function even where the caller runs op by op; gradients pass."""
    if NAME == "jax":
        return jax.jit(function)
    jitted = compiled(function, None, jit=True)
    return lambda *args: (jitted if uses_xla() else function)(*args)
