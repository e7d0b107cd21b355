"""Gradients of one's own, on whichever Keras backend is in use; a part of `zoo.backend`."""

import contextlib
import contextvars
import functools
import itertools
import weakref

import numpy as np

from zoo.backend.which import NAME

if NAME == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.framework.ops import gradient_registry
elif NAME == "jax":
    import jax

_gradients = itertools.count()


def vjp(function, *args):
    """`function(*args)`, and a function from gradients of that to gradients of each of `args`."""
    if NAME == "jax":
        return jax.vjp(function, *args)
    with tf.GradientTape() as tape:
        tape.watch(args)
        result = function(*args)

    def pull(upstream):
        return tape.gradient(
            result, args, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    return result, pull


# The attribute of a graph that holds its gradients, and the names of all that are held.
_KEPT = "_flow_zoo_gradients"
_owned: set[str] = set()


@contextlib.contextmanager
def registered_here():
    """Gradients of the operations that are traced inside go with their graph.

    TensorFlow registers a gradient of one's own by name, and finds it by that name from operations
    of the graph it was traced in. The registry holds it, and with it the whole graph, for as long
    as the process lives: flows built one after the other would fill the memory.
    """
    graph = tf.compat.v1.get_default_graph() if NAME == "tensorflow" else None
    if graph is None or not graph.building_function:
        yield
        return
    try:
        yield
    finally:
        for operation in graph.get_operations():
            # The one that `tf.custom_gradient` makes.
            if operation.type == "IdentityN":
                with contextlib.suppress(ValueError):  # It has no such attribute.
                    _hand_over(operation.get_attr("_gradient_op_type").decode(), graph)


def _hand_over(name, graph):
    entry = gradient_registry._registry.get(name)
    if name in _owned or entry is None:
        return
    if not hasattr(graph, _KEPT):  # A graph has no `__dict__` to look into.
        setattr(graph, _KEPT, {})
    getattr(graph, _KEPT)[name] = entry["type"]
    reference = weakref.ref(graph)
    entry["type"] = lambda *args: getattr(reference(), _KEPT)[name](*args)
    _owned.add(name)
    weakref.finalize(graph, _forget, name)


def _forget(name):
    gradient_registry._registry.pop(name, None)
    _owned.discard(name)


# Set while a SavedModel stores gradients: it has no place for the gradients of gradients.
_first_order = contextvars.ContextVar("first_order", default=False)


def faster_gradients():
    """Whether operations may have gradients of their own, to be faster on a CPU.

    Under JAX these would have no forward mode. A SavedModel that is storing a gradient has no place
    for those of the operations in it.
    """
    return NAME == "tensorflow" and not _first_order.get() and _on_cpu()


@functools.cache
def _on_cpu():
    return all(device.device_type == "CPU" for device in tf.config.list_physical_devices())


def jvp(function, args, along):
    """The derivative of `function(*args)` along `along`, which is like `args`; under JAX alone."""
    return jax.jvp(function, tuple(args), tuple(along))[1]


def linear_solve(product, solve, solve_transposed, vector):
    """`x` with `product(x) = vector`, differentiated as such both ways; under JAX alone.

    Args:
      product: A linear map of tensors.
      solve: `vector -> x`, of which nothing is differentiated.
      solve_transposed: The same of the transpose of `product`.
      vector: The right side.
    """
    return jax.lax.custom_linear_solve(
        product, vector, lambda _, v: solve(v), lambda _, v: solve_transposed(v)
    )


def with_gradient(function, gradient, tangent=None):
    """`function(*args)` with a gradient of one's own.

    Args:
      function: Takes nested tensors and returns a tuple of tensors; captures none.
      gradient: `(args, outputs, upstream) -> gradients of each of args`.
      tangent: `(args, outputs, along) -> derivatives of the first outputs along changes of args`,
        linear in these; the other outputs have none. JAX differentiates it in place of `gradient`,
        forwards and backwards; without it there is no forward mode.
    """
    if NAME == "jax" and tangent is not None:
        return _with_tangent(function, tangent)
    if NAME == "jax":
        own = jax.custom_vjp(function)

        def forward(*args):
            outputs = function(*args)
            return outputs, (args, outputs)

        own.defvjp(forward, lambda kept, upstream: gradient(*kept, upstream))
        return own
    if _first_order.get():
        return function

    def own(*args):
        outputs = function(*args)
        name = f"FlowZooGradient-{next(_gradients)}"

        @tf.RegisterGradient(name)
        @tf.autograph.experimental.do_not_convert
        def pull(op, *upstream):
            # tf.custom_gradient would hand on what `function` returned, which second derivatives
            # then differentiate as plain operations; the outputs of `op` lead back here. (There is
            # no `op` when a SavedModel stores its gradients.)
            kept = handed_on if op is None else op.outputs
            token = _first_order.set(op is None)
            try:
                found = gradient(args, tuple(kept[: len(outputs)]), upstream[: len(outputs)])
            finally:
                _first_order.reset(token)
            return [None] * len(outputs) + tf.nest.flatten(found)

        with tf.compat.v1.get_default_graph().gradient_override_map({"IdentityN": name}):
            handed_on = tf.identity_n([*outputs, *tf.nest.flatten(args)])
        return tuple(handed_on[: len(outputs)])

    def traced(*args):
        with registered_here():
            return own(*args)

    # A graph of its own: tapes look at operations one by one, and pass over the override.
    return tf.function(own_function(traced), autograph=False)


def _with_tangent(function, tangent):
    own = jax.custom_jvp(function)

    @own.defjvp
    def rule(args, along):
        outputs = own(*args)
        found = tuple(tangent(args, outputs, along))
        return outputs, (*found, *(_no_tangent(x) for x in outputs[len(found) :]))

    return own


def _no_tangent(x):
    if jax.numpy.issubdtype(x.dtype, jax.numpy.floating):
        return jax.numpy.zeros_like(x)
    return np.zeros(x.shape, jax.dtypes.float0)


def own_function(function):
    """`function` as one that TensorFlow counts the traces of by itself.

    It counts them by the code of a function, and warns where many are traced: many flows would look
    like one that is traced often. A partial has no code.
    """
    return functools.partial(function)
