"""Updates of weights in one operation each; a part of `zoo.backend`, for TensorFlow."""

import contextlib

import keras

from zoo.backend.which import NAME

if NAME == "tensorflow":
    import tensorflow as tf

_OPTIMIZERS = keras.optimizers.Adam, keras.optimizers.AdamW


@contextlib.contextmanager
def fused_updates(optimizer):
    """Within, Keras' Adam updates a weight by TensorFlow's one operation for it.

    The formula is Keras' own (Kingma and Ba, 2015, the end of section 2); only `1 - beta` is taken
    in the type of the weight, where Keras takes it in Python. Keras writes forty operations for
    each weight: a quarter of the time that TensorFlow takes to trace and optimise a training step
    of Glow. What else an optimizer does (clipping, decay, averages, accumulation) it does as ever.
    Left to Keras are optimizers but `Adam` and `AdamW` themselves, `amsgrad`, sparse gradients,
    weights in half precision, and distribution strategies. One thread at a time may train with an
    optimizer, as under Keras.

    Args:
      optimizer: A Keras optimizer.
    """
    if NAME != "tensorflow" or not _is_adam(optimizer) or tf.distribute.has_strategy():
        yield
        return
    # Not by `setattr`: Keras keeps track of what an optimizer is given.
    vars(optimizer)["update_step"] = _Adam(optimizer)
    try:
        yield
    finally:
        vars(optimizer).pop("update_step", None)


def _is_adam(optimizer):
    # What inherits from them may call the update otherwise than once a step.
    return type(optimizer) in _OPTIMIZERS and not optimizer.amsgrad


class _Adam:
    """Stands in for `optimizer.update_step` within one training step."""

    def __init__(self, optimizer):
        self._optimizer, self._numbers = optimizer, {}

    def __call__(self, gradient, variable, learning_rate):
        optimizer, dtype = self._optimizer, variable.dtype
        if isinstance(gradient, tf.IndexedSlices) or dtype not in (tf.float32, tf.float64):
            keras.optimizers.Adam.update_step(optimizer, gradient, variable, learning_rate)
            return
        index = optimizer._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            grad=tf.cast(gradient, dtype),
            **self._of_step(dtype, learning_rate),
        )

    def _of_step(self, dtype, learning_rate):
        """The numbers that all weights of a type have in common."""
        if dtype not in self._numbers:
            optimizer = self._optimizer
            betas = optimizer.beta_1, optimizer.beta_2
            step = tf.cast(optimizer.iterations + 1, dtype)
            # Cast, as in Keras, a double precision number is of single precision; made one, exact.
            powers = [tf.pow(tf.cast(beta, dtype), step) for beta in betas]
            beta1, beta2 = (tf.constant(beta, dtype) for beta in betas)
            self._numbers[dtype] = {
                "beta1_power": powers[0],
                "beta2_power": powers[1],
                "lr": tf.cast(learning_rate, dtype),
                "beta1": beta1,
                "beta2": beta2,
                "epsilon": tf.constant(optimizer.epsilon, dtype),
            }
        return self._numbers[dtype]
