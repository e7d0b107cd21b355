"""Gradients of one's own, on whichever Keras backend is in use; a part of `zoo.backend`."""

import contextlib
import contextvars
import itertools
import threading
import weakref

import keras

NAME = keras.backend.backend()

if NAME == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.framework.ops import gradient_registry
elif NAME == "jax":
    import jax

_gradients = itertools.count()
# What the names of gradients of one's own begin with: those of this module, and TensorFlow's.
_CUSTOM = ("FlowZooGradient-", "CustomGradient-")


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


# The attribute of a graph that holds its gradients.
_KEPT = "_flow_zoo_gradients"
# Names of gradients that go with a graph.
_owned = set()


class _Window:
    """What `registered_here` has open: since when, and whether another thread had one meanwhile."""

    open, lock = [], threading.Lock()

    def __init__(self):
        self.thread = threading.get_ident()
        with self.lock:
            self.before = set(gradient_registry.list())
            others = [window for window in self.open if window.thread != self.thread]
            self.alone = not others
            for window in others:
                window.alone = False
            self.open.append(self)

    def close(self):
        """The names that were registered meanwhile; none where it cannot be told by whom."""
        with self.lock:
            self.open.remove(self)
            return set(gradient_registry.list()) - self.before if self.alone else set()


@contextlib.contextmanager
def registered_here():
    """Gradients that TensorFlow registers inside go with the graph that is being traced.

    A function with a gradient of its own has it registered by name where it is traced, and it is
    found by that name, from operations of that graph alone. The registry holds it, and with it the
    whole graph, for as long as the process lives: flows built one after the other would fill the
    memory. Where several threads trace at once, what they register stays.
    """
    graph = tf.compat.v1.get_default_graph() if NAME == "tensorflow" else None
    if graph is None or not graph.building_function:
        yield
        return
    window = _Window()
    try:
        yield
    finally:
        for name in window.close() - _owned:
            _hand_over(name, graph)


def _hand_over(name, graph):
    if not name.startswith(_CUSTOM):
        return
    entry = gradient_registry._registry[name]
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


def with_gradient(function, gradient):
    """`function(*args)` with a gradient of one's own.

    Args:
      function: Takes nested tensors and returns a tuple of tensors; captures none.
      gradient: `(args, outputs, upstream) -> gradients of each of args`.
    """
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
        with registered_here():
            outputs = function(*args)
            name = f"FlowZooGradient-{next(_gradients)}"

            @tf.RegisterGradient(name)
            @tf.autograph.experimental.do_not_convert
            def pull(op, *upstream):
                # tf.custom_gradient would hand on what `function` returned, which second
                # derivatives then differentiate as plain operations; the outputs of `op` lead back
                # here. (There is no `op` when a SavedModel stores its gradients.)
                kept = handed_on if op is None else op.outputs
                token = _first_order.set(op is None)
                try:
                    with registered_here():
                        found = gradient(
                            args, tuple(kept[: len(outputs)]), upstream[: len(outputs)]
                        )
                finally:
                    _first_order.reset(token)
                return [None] * len(outputs) + tf.nest.flatten(found)

        with tf.compat.v1.get_default_graph().gradient_override_map({"IdentityN": name}):
            handed_on = tf.identity_n([*outputs, *tf.nest.flatten(args)])
        return tuple(handed_on[: len(outputs)])

    # A graph of its own: tapes look at operations one by one, and pass over the override.
    graph = tf.function(own, autograph=False)
    # TensorFlow counts traces by source line: many of these would look like one traced often.
    graph._omit_frequent_tracing_warning = True
    return graph
