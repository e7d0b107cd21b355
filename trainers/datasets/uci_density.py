"""POWER, GAS, HEPMASS, MINIBOONE and BSDS300 of the MAF paper as a TFDS dataset."""

import pathlib

import numpy as np
import tensorflow_datasets as tfds

from trainers.datasets import uci_preprocessing
from trainers.datasets.errors import DatasetError, one_line

COLUMNS = {"power": 6, "gas": 8, "hepmass": 21, "miniboone": 43, "bsds300": 63}


class UciDensity(tfds.core.GeneratorBasedBuilder):
    """The five density benchmarks of Papamakarios et al. (2017), one a config.

    Feature: {"x": [D] float32}, scaled to unit variance (BSDS300 excepted, which stays as stored).
    `uci_preprocessing` says how each is prepared. In the published archive, the splits hold

        power      1 659 917 train    184 435 validation    204 928 test     D =  6
        gas          852 174           94 685               105 206          D =  8
        hepmass      315 123           35 013               174 987          D = 21
        miniboone     29 556            3 284                 3 648          D = 43
        bsds300    1 000 000           50 000               250 000          D = 63

    The files are only read: arrays and text never run code, and the one pickle (gas) goes through
    `frame_pickle`, which refuses every name that a table of numbers does not need.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(
            name=name, description=getattr(uci_preprocessing, name).__doc__.splitlines()[0]
        )
        for name in COLUMNS
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Download data.tar.gz of Zenodo record 1161203, https://zenodo.org/record/1161203, unpack "
        "it and give as manual_dir the folder that holds power, gas, hepmass, miniboone, BSDS300."
    )

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description="Density benchmarks, prepared as in arXiv:1705.07057, appendix D.",
            homepage="https://zenodo.org/record/1161203",
            features=tfds.features.FeaturesDict(
                {
                    "x": tfds.features.Tensor(
                        shape=(COLUMNS[self.builder_config.name],), dtype=np.float32
                    )
                }
            ),
            disable_shuffling=True,  # the pipelines shuffle
        )

    def _split_generators(self, dl_manager):
        try:
            folder = pathlib.Path(dl_manager.manual_dir)
        except AssertionError:  # TFDS's own message for a missing or empty folder takes ten lines
            raise DatasetError(
                f"the {self.builder_config.name} files are needed, but manual_dir is missing or "
                f"empty. {self.MANUAL_DOWNLOAD_INSTRUCTIONS}"
            ) from None
        splits = self._prepare(folder)
        return {
            split: self._generate_examples(x)
            for split, x in zip(("train", "validation", "test"), splits, strict=True)
        }

    def _generate_examples(self, x):
        for key, row in enumerate(np.asarray(x, np.float32)):
            yield key, {"x": row}

    def _prepare(self, folder):
        name = self.builder_config.name

        def find(path):
            for candidate in (folder / path, folder / "data" / path):
                if candidate.exists():
                    return candidate
            raise DatasetError(f"expected {path} in {folder}. {self.MANUAL_DOWNLOAD_INSTRUCTIONS}")

        try:
            with np.errstate(all="ignore"):  # told below, by what is left
                splits = getattr(uci_preprocessing, name)(find)
        except DatasetError:
            raise
        except Exception as error:  # whatever numpy or h5py makes of a truncated or foreign file
            raise DatasetError(
                f"the {name} files in {folder} cannot be read as those of Zenodo record 1161203: "
                f"{one_line(error)}"
            ) from error
        for x in splits:
            if x.shape[1:] != (COLUMNS[name],) or not len(x) or not np.isfinite(x).all():
                bad = np.count_nonzero(~np.isfinite(x))
                raise DatasetError(
                    f"the {name} files in {folder} are not those of Zenodo record 1161203: after "
                    f"preprocessing, expected finite rows of {COLUMNS[name]} columns, got shape "
                    f"{list(x.shape)} with {bad} NaN or infinite values"
                )
        return splits
