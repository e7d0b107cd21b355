"""How long an input pipeline takes by itself."""

import time


def milliseconds_a_batch(batches, limit=100, seconds=2.0):
    """Measures what a pipeline takes for a batch when nothing is computed with it.

    Where this is less than a training step takes, the input does not hold the accelerator up.

    Args:
        batches: A `tf.data.Dataset` that is not empty. One pass over it is begun.
        limit: Most batches to time. The first, which opens files and fills buffers, is not timed.
        seconds: After so long, no further batch is taken.

    Returns:
        Milliseconds of a batch, in the mean; of the first where there is no other.
    """
    begin = time.perf_counter()
    first = now = taken = None
    for taken, _ in enumerate(batches.take(limit + 1)):
        now = time.perf_counter()
        first = now if taken == 0 else first
        if taken and now - first >= seconds:
            break
    return 1000 * ((now - first) / taken if taken else now - begin)
