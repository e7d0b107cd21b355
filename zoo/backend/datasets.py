"""Numbers in the batches of a `tf.data.Dataset`, looked at as they come; part of `zoo.backend`."""

import re

from zoo.backend.gradients import own_function

_TOLD = re.compile(r"\[Flow Zoo refuses: (.*?)\] \[(.*?)\] \[\[(.*?)\]\]")


def checker(look):
    """A function of a `tf.data.Dataset`: one that raises at the first number out of its bounds.

    A batch that is as it should be costs a pass over its numbers, in the input pipeline. What is
    looked at is traced once for each type of batch, whatever the number of datasets.

    Args:
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

    def check(*batch):
        for values, (words, low, high) in look(*batch):
            holds = within(values, low, high)
            first = tf.where(tf.logical_not(holds))[:1]
            # Plain operations: branches would take longer at the start of each epoch.
            told = [f"Flow Zoo refuses: {words}", tf.gather_nd(values, first), first]
            tf.raw_ops.Assert(condition=tf.reduce_all(holds), data=told, summarize=9)

    check = tf.function(own_function(check), autograph=False)

    def checked(*batch):
        check(*batch)
        return batch if len(batch) > 1 else batch[0]

    checked = tf.autograph.experimental.do_not_convert(checked)
    return lambda dataset: dataset.map(checked)


def rows(values):
    """Number of rows of a tensor of a dataset, `[1]`."""
    import tensorflow as tf

    return tf.shape(values)[:1]


def refused(error):
    """What a `checker` says, of an error on the way to its user; `None` where it is another one."""
    told = _TOLD.search(str(error))
    if told is None:
        return None
    words, value, place = told.groups()
    row, *feature = place.split()
    where = f", feature {', '.join(feature)}" if feature else ""
    return f"{words}, got {value} in row {row}{where} of a batch."
