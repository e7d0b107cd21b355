"""What cases start from: small flows, a finished run of each kind, an entry, an export, data."""

import functools
import shutil
from unittest import mock

import numpy as np

import zoo
from tests.helpers import randomize
from trainers import datasets, train
from trainers.datasets.toy2d import Toy2d
from trainers.runs import flagfiles

SMALL = {"num_layers": 1, "hidden_units": (4,), "seed": 0, "jit_compile": False}
QUICK = ("--jit=false", "--progress=none", "--notensorboard", "--picture_interval=0")


class Fixtures:
    """Made when they are first asked for, and copied where a case changes them.

    Args:
      folder: Where they are kept.
    """

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    @functools.cached_property
    def data(self):
        """A folder with digits and a small two_moons prepared in it."""
        folder = self.folder / "data"
        with mock.patch.object(Toy2d, "SIZES", {"train": 200, "validation": 100, "test": 100}):
            datasets.load("two_moons", folder)
        datasets.load("digits", folder)
        return folder

    @functools.cached_property
    def plane_run(self):
        """The folder of a finished run on two_moons."""
        return self._train("two_moons", "--epochs=2")

    @functools.cached_property
    def digits_run(self):
        """The folder of a finished class-conditional run on digits."""
        return self._train("digits", "--class_conditional", "--epochs=1", "--noise_draws=1")

    def _train(self, name, *argv):
        folder = self.folder / f"run_{name}"
        argv = [f"--dataset={name}", f"--data_dir={self.data}", f"--model_dir={folder}", *argv]
        argv += ["--model=maf", "--hidden_units=4", "--num_layers=1", "--batch_size=100", *QUICK]
        train.train(flagfiles.new_options(train.define_flags, argv))
        return folder

    @functools.cached_property
    def flows(self):
        """Flows of all kinds of events and contexts, their weights random."""
        made = {
            "vectors": zoo.MAF((3,), **SMALL),
            "context": zoo.NSF((2,), context_shape=(2,), num_bins=3, **SMALL),
            "images": zoo.RealNVP(
                (2, 2, 1), levels=5, num_classes=3, preprocessing="center", **SMALL
            ),
            "iterated": zoo.Planar((2,), num_layers=2, seed=0, jit_compile=False),
        }
        for flow in made.values():
            randomize(flow, scale=0.3)
        return {name: (flow, flow.get_weights()) for name, flow in made.items()}

    @functools.cached_property
    def entry(self):
        """The folder of an entry, in one of entries with its index."""
        folder = self.folder / "zoo" / "small"
        zoo.save(self.flows["images"][0], folder, {"dataset": "digits", "metrics": None})
        zoo.saving.update_index(folder.parent)
        return folder

    @functools.cached_property
    def exported(self):
        """The folder of a SavedModel."""
        return zoo.export(self.flows["images"][0], self.folder / "exported")

    @functools.cached_property
    def loaded(self):
        """The SavedModel, loaded."""
        return zoo.load_exported(self.exported)

    @functools.cached_property
    def known(self):
        """Grey levels, and what the flow of the entry makes of them."""
        x = np.arange(12).reshape(3, 2, 2, 1) % 5
        return x, np.asarray(self.flows["images"][0].log_prob(x, [0, 1, 2], seed=0))

    def copy(self, name, folder):
        """A copy of what `name` is, a folder, in `folder`; returns where it is."""
        return shutil.copytree(getattr(self, name), folder / name)
