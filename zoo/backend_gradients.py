"""Gradients of one's own, on whichever Keras backend is in use; a part of `zoo.backend`."""

import contextvars
import itertools

import keras

NAME = keras.backend.backend()

if NAME == "tensorflow":
    import tensorflow as tf
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
    return tf.function(own, autograph=False)
