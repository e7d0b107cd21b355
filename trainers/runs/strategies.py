"""Where a flow trains: one device, several of one machine, or several machines."""

import json
import os

import tensorflow as tf


def make(options):
    """Makes the `tf.distribute` strategy; to be called before TensorFlow has touched a device.

    Args:
        options: Parsed flags, of which --strategy and --num_devices.

    Returns:
        A `tf.distribute.Strategy`, or None for one device.

    Raises:
        ValueError: If there are fewer devices than asked for, or TF_CONFIG is missing or wrong.
    """
    if options.strategy == "one_device":
        return None
    if options.strategy == "multi_worker_mirrored":
        _check_tf_config()
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_physical_devices("GPU")
    count = options.num_devices or len(gpus) or 2
    if count <= len(gpus):
        return tf.distribute.MirroredStrategy([f"GPU:{i}" for i in range(count)])
    return tf.distribute.MirroredStrategy(_logical_cpus(count))


def _logical_cpus(count):
    """Splits the CPU into `count` logical devices and returns their names."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * count
        )
    except RuntimeError:
        pass  # TensorFlow is already running, with the devices counted below.
    found = len(tf.config.list_logical_devices("CPU"))
    if found < count:
        raise ValueError(
            f"--num_devices={count} needs as many devices, but TensorFlow already runs with "
            f"{found}; start a process of its own"
        )
    return [f"CPU:{i}" for i in range(count)]


def _check_tf_config():
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise ValueError(
            "--strategy=multi_worker_mirrored needs the environment variable TF_CONFIG, as in "
            '{"cluster": {"worker": ["host1:port", "host2:port"]}, '
            '"task": {"type": "worker", "index": 0}}'
        )
    try:
        config = json.loads(text)
        config["cluster"]["worker"], config["task"]["index"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"TF_CONFIG must be JSON with cluster.worker and task.index, got {text}"
        ) from None


def is_chief():
    """Whether this process is the one of all workers that writes files."""
    task = json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {})
    return task.get("type") in (None, "chief") or (
        task["type"] == "worker" and task.get("index") == 0
    )
