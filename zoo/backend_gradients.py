"""Gradients of one's own, on whichever Keras backend is in use; a part of `zoo.backend`."""

import contextlib
import contextvars
import itertools
import weakref

import keras

NAME = keras.backend.backend()

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


# Names of gradients that go with an owner.
_owned = set()


@contextlib.contextmanager
def registered_for(owner):
    """Gradients that TensorFlow registers inside go when `owner` does.

    A function with a gradient of its own, and any `tf.function` called by another, has its gradient
    registered by name where it is traced. The registry holds it, and with it the whole graph, for
    as long as the process lives: flows built one after the other would fill the memory.

    Args:
      owner: What keeps the graph that is being traced, and takes weak references and attributes.
    """
    if NAME == "jax":
        yield
        return
    before = set(gradient_registry.list())
    yield
    for name in set(gradient_registry.list()) - before - _owned:
        _hand_over(name, owner)


def _hand_over(name, owner):
    entry = gradient_registry._registry[name]
    if entry["type"] is None:
        return
    owner.__dict__.setdefault("_registered_gradients", {})[name] = entry["type"]
    reference = weakref.ref(owner)
    entry["type"] = lambda *args: reference().__dict__["_registered_gradients"][name](*args)
    _owned.add(name)
    weakref.finalize(owner, _forget, name)


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

    # A graph of its own: tapes look at operations one by one, and pass over the override.
    graph = tf.function(own, autograph=False)
    # TensorFlow counts traces by source line: many of these would look like one traced often.
    graph._omit_frequent_tracing_warning = True
    return graph
