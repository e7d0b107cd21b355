"""What a distribution strategy of TensorFlow expects of a training step."""

from zoo.backend.which import NAME

if NAME == "tensorflow":
    import tensorflow as tf


def of_replica(loss):
    """A replica's loss as its part of the mean over replicas, whose gradients are summed."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync if NAME == "tensorflow" else 1
    return loss / replicas if replicas > 1 else loss


def step_logs(logs):
    """The metrics of a training or test step, in the shape that the strategy in use can reduce.

    Under `MultiWorkerMirroredStrategy` Keras averages them over axis 0, which scalars lack.
    """
    if NAME == "tensorflow" and isinstance(
        tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy
    ):
        return {name: tf.reshape(value, [1]) for name, value in logs.items()}
    return logs
