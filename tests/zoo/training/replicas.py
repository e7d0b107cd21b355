"""Trains a small flow on two logical CPUs and on one: the same losses. Run by its test."""

import keras
import numpy as np
import tensorflow as tf

import zoo

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def trained(strategy, weights):
    x = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")
    with strategy.scope():
        flow = zoo.NICE((2,), num_layers=1, hidden_units=(4,), seed=0, jit_compile=False)
        flow.compile(keras.optimizers.SGD(0.1))
    settings = {"validation_data": (x, None, weights), "sample_weight": weights}
    history = flow.fit(x, batch_size=16, shuffle=False, verbose=0, **settings).history
    return [*history["loss"], *history["val_nats"], *np.asarray(flow.log_prob(x))]


two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for weights in (None, np.arange(32)):
    one = trained(tf.distribute.OneDeviceStrategy("CPU:0"), weights)
    np.testing.assert_allclose(trained(two, weights), one, rtol=1e-4)
print("ok")
