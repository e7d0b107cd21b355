"""Names of variables; a part of `zoo.backend`."""

import contextlib
import re

from zoo.backend.which import NAME

if NAME == "tensorflow":
    import tensorflow as tf


@contextlib.contextmanager
def names_in_common():
    """Within, TensorFlow's variables are called alike whatever layer they are made for.

    TensorFlow keeps the operation that makes a variable for the next one of that type, shape and
    name: 35 kB for each name, for as long as the process lives. Keras names variables after layers
    and optimizers after variables, and numbers all layers there ever were: flows built one after
    the other would fill the memory. Names of Keras (`variable.path`) stay as they are.
    """
    if NAME != "tensorflow":
        yield
        return
    with tf.variable_creator_scope(_named):
        yield


def _named(make, name=None, **settings):
    name = name and re.sub(r"_\d+(?=_|$)", "", name)
    with tf.name_scope("flow_zoo/"):  # A slash at the end: nothing goes before it.
        return make(name=name, **settings)
