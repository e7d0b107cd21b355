"""A small classifier of images, and what its features say of how close sets of images are.

The Fréchet distance of two sets is that of the Gaussians with the means and covariances of their
features (Heusel et al., 2017, arXiv:1706.08500, eq. 6). The features are those of a classifier
trained here and not of an Inception network: distances compare flows of one data set, and say
nothing beside figures of other papers.
"""

import math

import keras
import numpy as np
from keras import layers

FEATURES = 32
_STEPS, _BATCH = 1500, 128


def train(data, seed=0):
    """Trains a classifier on the training split of a data set.

    Args:
        data: A data set of images with labels, of `trainers.datasets`.
        seed: Seed of its weights and of the order of examples.

    Returns:
        A Keras model of grey levels [n, *event_shape]: features [n, FEATURES], and logits
        [n, classes].

    Raises:
        ValueError: If it has no labels, or is not one of images.
    """
    if data.levels is None or not data.num_classes or len(data.event_shape) != 3:
        raise ValueError(
            f"--dataset={data.name} must be one of images with labels, to train a classifier"
        )
    keras.utils.set_random_seed(seed)
    x, y = data.numpy("train", labels=True)
    model = _network(data)
    learned = keras.Model(model.inputs, model.outputs[1])
    epochs = max(1, round(_STEPS * _BATCH / len(x)))
    steps = epochs * math.ceil(len(x) / _BATCH)
    learned.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    learned.fit(x, y, batch_size=_BATCH, epochs=epochs, verbose=0)
    return model


def _network(data):
    image = keras.Input(data.event_shape)
    x = layers.Rescaling(2.0 / (data.levels - 1), -1.0)(image)
    # Large images are halved until what is left is small.
    for width in (16, 32, 64)[: max(1, int(math.log2(min(data.event_shape[:2]) / 4)))]:
        x = layers.Conv2D(width, 3, padding="same", activation="silu")(x)
        x = layers.Conv2D(width, 3, strides=2, padding="same", activation="silu")(x)
    x = layers.Dropout(0.25)(layers.Flatten()(x))
    features = layers.Dense(FEATURES, activation="silu")(x)
    return keras.Model(image, [features, layers.Dense(data.num_classes)(features)])


def look(model, images):
    """What a classifier makes of images.

    Args:
        model: Of `train`.
        images: Grey levels [n, *event_shape].

    Returns:
        (features [n, FEATURES], float64; labels [n] it gives them).
    """
    features, logits = model.predict(np.asarray(images), batch_size=500, verbose=0)
    return np.asarray(features, np.float64), logits.argmax(axis=-1)


def frechet(first, second):
    """The Fréchet distance of two sets of features, [n, d] and [m, d].

    `|m1 - m2|² + tr(C1 + C2 - 2 (C1^½ C2 C1^½)^½)`.
    """
    means = [f.mean(axis=0) for f in (first, second)]
    spreads = [np.cov(f, rowvar=False) for f in (first, second)]
    root = _root(spreads[0])
    cross = np.linalg.eigvalsh(root @ spreads[1] @ root).clip(min=0)
    trace = sum(np.trace(c) for c in spreads) - 2 * np.sqrt(cross).sum()
    return float(((means[0] - means[1]) ** 2).sum() + max(trace, 0.0))


def _root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
