"""Two tables of scikit-learn as a TFDS dataset that needs no download."""

import re

import numpy as np
import tensorflow_datasets as tfds

from trainers.datasets.digits import split_indices

SHARE = 0.2  # of each class, in the test split and in the validation split
DIGITS = 4  # significant ones, of every number of breast_cancer
_SHAPES = ("radius", "texture", "perimeter", "area", "smoothness", "compactness", "symmetry")
_SHAPES += ("fractal_dimension",)
NUCLEI = [form.format(s) for form in ("mean_{}", "{}_error", "worst_{}") for s in _SHAPES]
WINE = {  # column -> the coarsest step on whose multiples more than half of it lies
    "alcohol": 0.01,
    "malic_acid": 0.01,
    "ash": 0.01,
    "alcalinity_of_ash": 0.5,
    "magnesium": 1.0,
    "total_phenols": 0.05,
    "flavanoids": 0.01,
    "nonflavanoid_phenols": 0.01,
    "proanthocyanins": 0.01,
    "color_intensity": 0.1,
    "hue": 0.01,
    "od280_od315_of_diluted_wines": 0.01,
    "proline": 10.0,
}
COLUMNS = {"breast_cancer": NUCLEI, "wine": list(WINE)}
CLASSES = {
    "breast_cancer": ["malignant", "benign"],
    "wine": ["class_0", "class_1", "class_2"],
}


class SklearnTables(tfds.core.GeneratorBasedBuilder):
    """Measurements of cell nuclei or of wines, one table a config, in their own units.

    Features: one float32 number a column, and "label". The splits are fixed: of each class a fifth
    is for test and a fifth for validation, the others are for training.

        breast_cancer   343 train   113 validation   113 test   24 columns   2 classes
        wine            106          36               36        13           3

    A density needs continuous data, and stored decimals are a lattice: a flow could raise the
    likelihood at will by peaks on its points. Each number therefore has uniform noise of the width
    of its rounding, drawn once, from a fixed seed; it is the same for all who fit the data.

    - Every number of breast_cancer has four significant digits, and every last digit is equally
      frequent: the noise is one unit of the fourth digit, centred, and so spreads a number over
      what is rounded to it. Left out are the six columns of concavity and of concave points, which
      are exactly zero together in 13 rows, a point mass.
    - In wine, numbers have two decimals or fewer and crowd on rounder ones (alcalinity of ash on
      halves, proline on tens): the noise is as wide as the coarsest step that more than half of a
      column lies on, of 1 or 5 times a power of ten (`WINE`).

    Sources: "Breast Cancer Wisconsin (Diagnostic)" (Wolberg et al., 1995) and "Wine" (Aeberhard and
    Forina, 1991), UCI Machine Learning Repository, as shipped in `sklearn.datasets`.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, description=f"The table load_{name} of scikit-learn.")
        for name in COLUMNS
    ]
    STANDARDIZE = True  # flows take means and standard deviations of columns from `Dataset`

    def _info(self):
        name = self.builder_config.name
        features = {column: tfds.features.Scalar(np.float32) for column in COLUMNS[name]}
        return tfds.core.DatasetInfo(
            builder=self,
            description="Continuous tables from scikit-learn, with the noise of their rounding.",
            features=tfds.features.FeaturesDict(
                {**features, "label": tfds.features.ClassLabel(names=CLASSES[name])}
            ),
            disable_shuffling=True,  # `split_indices` has shuffled them
        )

    def _split_generators(self, dl_manager):
        name = self.builder_config.name
        x, labels = read(name)
        x += np.random.RandomState(0).uniform(-0.5, 0.5, x.shape) * steps(name, x)
        held_out = np.rint(SHARE * np.bincount(labels)).astype(int)
        splits = split_indices(labels, {"test": held_out, "validation": held_out})
        return {s: self._generate_examples(x[rows], labels[rows]) for s, rows in splits.items()}

    def _generate_examples(self, x, labels):
        for key, row in enumerate(x):  # TFDS writes unshuffled examples in the order of the keys
            numbers = dict(zip(COLUMNS[self.builder_config.name], np.float32(row), strict=True))
            yield key, {**numbers, "label": int(labels[key])}


def read(name):
    """Reads the columns of a table, as scikit-learn has them.

    Args:
        name: A config of `SklearnTables`.

    Returns:
        (x [n, d], labels [n]).
    """
    from sklearn import datasets  # takes a second, and only preparing needs it

    table = getattr(datasets, f"load_{name}")()
    there = [re.sub(r"\W+", "_", str(column)) for column in table.feature_names]
    return table.data[:, [there.index(column) for column in COLUMNS[name]]], table.target


def steps(name, x):
    """What the numbers of a table are rounded to: [n, d], or [d] where it is one a column."""
    if name == "wine":
        return np.array(list(WINE.values()))
    return 10.0 ** (np.floor(np.log10(x)) - (DIGITS - 1))
