"""The toy distributions of the plane as a TFDS dataset that needs no download."""

import zlib

import numpy as np
import tensorflow_datasets as tfds

from trainers.datasets.toy_densities import TOYS


class Toy2d(tfds.core.GeneratorBasedBuilder):
    """Two-dimensional toys, one a config: `toy2d/two_moons`, `toy2d/rings`, ...

    Feature: {"x": [2] float32}. The points of every config and split are drawn once, from a seed of
    their own, so they are the same on every machine. The true densities are in
    `trainers.datasets.toy_densities`.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, description=str(type(toy).__doc__).splitlines()[0])
        for name, toy in TOYS.items()
    ]
    SIZES = {"train": 50_000, "validation": 10_000, "test": 10_000}

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description="Toy densities of the plane with known log-densities.",
            features=tfds.features.FeaturesDict(
                {"x": tfds.features.Tensor(shape=(2,), dtype=np.float32)}
            ),
            disable_shuffling=True,  # the points are independent already
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in self.SIZES}

    def _generate_examples(self, split):
        name = self.builder_config.name
        seed = [zlib.crc32(name.encode()), list(self.SIZES).index(split)]
        points = TOYS[name].sample(self.SIZES[split], np.random.default_rng(seed))
        for key, x in enumerate(points.astype(np.float32)):
            yield key, {"x": x}
