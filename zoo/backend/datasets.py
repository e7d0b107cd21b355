"""Numbers in the batches of a `tf.data.Dataset`, looked at as they come; part of `zoo.backend`."""

import functools
import re

_TOLD = re.compile(r"Flow Zoo refuses: (.*?) of a batch")


def checked(dataset, look):
    """The dataset, which raises at the first batch with a number out of its bounds.

    A batch that is as it should be costs a pass over its numbers, in the input pipeline.

    Args:
      dataset: A `tf.data.Dataset`.
      look: Takes the elements of a batch, and returns a list of `(values, (words, low, high))`: a
        tensor, what its numbers must be, and the least and the largest that it may hold; `None`s
        for any finite ones.
    """
    import tensorflow as tf  # Whatever Keras' backend is: the dataset is TensorFlow's.

    def within(values, low, high):
        if low is None:
            return tf.math.is_finite(values)
        if values.dtype.is_integer and isinstance(high, int):
            high = min(high, values.dtype.max)
        low, high = tf.cast(low, values.dtype), tf.cast(high, values.dtype)
        return tf.logical_and(values >= low, values <= high)

    def refuse(words, values, holds):
        # The first that is false.
        place = tf.argmin(tf.cast(tf.reshape(holds, [-1]), tf.int32))
        value = tf.strings.as_string(tf.reshape(values, [-1])[place])
        row, *feature = tf.unstack(tf.unravel_index(place, tf.shape(values, tf.int64)))
        where = ", feature " + ", ".join("{}" for _ in feature) if feature else ""
        told = f"Flow Zoo refuses: {words}, got {{}} in row {{}}{where} of a batch"
        told = tf.strings.format(told, (value, row, *feature))
        with tf.control_dependencies([tf.debugging.Assert(False, [told])]):
            return tf.constant(False)

    def check(*batch):
        for values, (words, low, high) in look(*batch):
            holds = within(values, low, high)
            refused = functools.partial(refuse, words, values, holds)
            tf.cond(tf.reduce_all(holds), lambda: True, refused)
        return batch if len(batch) > 1 else batch[0]

    return dataset.map(tf.autograph.experimental.do_not_convert(check))


def rows(values):
    """Number of rows of a tensor of a dataset, `[1]`."""
    import tensorflow as tf

    return tf.shape(values)[:1]


def refused(error):
    """What `checked` says, of an error on the way to its user; `None` where it is another one."""
    told = _TOLD.search(str(error))
    return told and told[1].replace('\\"', "").replace('"', "") + " of a batch."
