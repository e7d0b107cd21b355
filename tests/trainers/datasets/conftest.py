"""Datasets prepared once for all tests of this folder, and two small builders of tables."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from trainers import datasets


class ZooTable(tfds.core.GeneratorBasedBuilder):
    """A table of 100 training rows with features of every kind; `spoiled` rows are broken."""

    VERSION = tfds.core.Version("1.0.0")
    spoiled = {}  # row -> value of feature "b"

    def _info(self):
        features = {
            "b": tfds.features.Scalar(np.float32),
            "a": tfds.features.Tensor(shape=(2,), dtype=np.float32),
            "nested": {"count": tfds.features.Scalar(np.int64)},
            "text": tfds.features.Text(),
            "flag": tfds.features.Scalar(np.bool_),
            "label": tfds.features.ClassLabel(num_classes=3),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for row in range(100):
            yield (
                row,
                {
                    "b": self.spoiled.get(row, row + 0.5),
                    "a": np.array([-row, 10 * row], np.float32),
                    "nested": {"count": row},
                    "text": "row",
                    "flag": True,
                    "label": row % 3,
                },
            )


class ZooPacked(tfds.core.GeneratorBasedBuilder):
    """A table whose records only TFDS itself can decode."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        x = tfds.features.Tensor(shape=(3,), dtype=np.float32, encoding="zlib")
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict({"x": x}), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(50), "test": self._generate_examples(20)}

    def _generate_examples(self, count):
        for row in range(count):
            yield row, {"x": np.full(3, row, np.float32)}


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A folder with digits, the table and the packed table prepared in it."""
    folder = tmp_path_factory.mktemp("tfds")
    for name in ("digits", "zoo_table", "zoo_packed"):
        datasets.load(name, folder)
    return folder


@pytest.fixture
def table_builder():
    return ZooTable


@pytest.fixture
def digits(data_dir):
    return datasets.load("digits", data_dir)


@pytest.fixture
def table(data_dir):
    return datasets.load("zoo_table", data_dir)


@pytest.fixture
def packed(data_dir):
    return datasets.load("zoo_packed", data_dir)
