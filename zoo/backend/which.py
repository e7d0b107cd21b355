"""Which Keras backend is in use, and the TensorFlow Probability that goes with it."""

import keras

NAME = keras.backend.backend()

if NAME == "tensorflow":
    import tensorflow_probability as tfp
    from tensorflow_probability.python.internal import cache_util, samplers
    from tensorflow_probability.python.internal import prefer_static as ps
elif NAME == "jax":
    from tensorflow_probability.substrates import jax as tfp
    from tensorflow_probability.substrates.jax.internal import cache_util, samplers
    from tensorflow_probability.substrates.jax.internal import prefer_static as ps
else:
    raise ImportError(
        f"Flow Zoo needs a Keras backend that TensorFlow Probability supports: 'tensorflow' or "
        f"'jax', and got {NAME!r}; set the environment variable KERAS_BACKEND."
    )

tfb, tfd = tfp.bijectors, tfp.distributions

__all__ = ["NAME", "cache_util", "ps", "samplers", "tfb", "tfd", "tfp"]
