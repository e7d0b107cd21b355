"""Recipes: each builds its flow, and those for downloaded data train on mocked data."""

import contextlib
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow_datasets as tfds

from trainers import datasets, train
from trainers.datasets import NaturalPatches, UciDensity
from trainers.datasets.uci_density import COLUMNS
from trainers.runs import families, flagfiles, folders
from trainers.runs import options as run_options

from ..conftest import QUIET

RECIPES = Path(__file__).resolve().parents[3] / "trainers" / "recipes"
EXAMPLES = 20
STEPS = 20
# TFDS name -> its splits, as it documents them.
DOWNLOADED = {
    "mnist": ("train", "test"),
    "fashion_mnist": ("train", "test"),
    "cifar10": ("train", "test"),
    "svhn_cropped": ("train", "test", "extra"),
    "celeb_a": ("train", "validation", "test"),
    "downsampled_imagenet/32x32": ("train", "validation"),
}
QUICKLY_MADE = ("digits", "sklearn_tables")
# Flags of which a family takes those that it knows.
SMALL = ("--width=4", "--steps=1", "--blocks=1", "--scales=2")
SMALL_FLAT = ("--hidden_units=8", "--num_layers=2")
SMALL_PATCHES = ("--width=8", "--blocks=1", *SMALL_FLAT)
PLAIN = {"bounds": None, "standardize": None}


def options_of(recipe, *argv):
    flags = [f"--flagfile={RECIPES / recipe}.flags", "--model_dir=x", *argv]
    return flagfiles.new_options(train.define_flags, flags)


def small(recipe):
    """Flags that make the flow of a recipe a small one."""
    model = options_of(recipe).model
    multi_scale = options_of(recipe).scales is not None
    names = {f"--{name}" for name in families.accepted_arguments(families.family(model))}
    if options_of(recipe).loss == "flow_matching":
        names.discard("--num_layers")  # It trains one equation.
    flat = SMALL_PATCHES if "--patch_size" in names else SMALL_FLAT
    return [f for f in (SMALL if multi_scale else flat) if f.partition("=")[0] in names]


def names():
    return sorted(path.stem for path in RECIPES.glob("*.flags"))


def one_a_family():
    """All recipes, of each family all but the first being slow."""
    families_seen = set()
    for recipe in names():
        family = recipe.partition("-")[0]
        yield pytest.param(recipe, marks=pytest.mark.slow if family in families_seen else ())
        families_seen.add(family)


@pytest.mark.parametrize("recipe", one_a_family())
def test_every_recipe_builds_a_flow_of_its_data(recipe, mocked, prepared):
    options = options_of(recipe, *small(recipe))
    if options.dataset in DOWNLOADED or options.dataset.startswith(QUICKLY_MADE):
        folder = mocked if options.dataset in DOWNLOADED else prepared
        arguments = run_options.data_arguments(options) | {"data_dir": folder}
        data = datasets.load(options.dataset, **arguments)
    elif options.dataset.startswith(("toy2d", "uci_density")):
        data = SimpleNamespace(name="points", event_shape=(5,), levels=None, **PLAIN)
    else:
        data = SimpleNamespace(name="patches", event_shape=(32, 32, 3), levels=256, **PLAIN)
    flow = families.build(options, data)
    assert flow.count_params() > 0
    assert (flow.event_shape, flow.levels) == (data.event_shape, data.levels)


@pytest.mark.parametrize("recipe", names())
def test_names_say_family_and_dataset(recipe):
    family, dataset = recipe.split("-")
    options = options_of(recipe)
    if options.posterior:
        assert family == f"{options.model}_{json.loads(options.posterior)['model']}"
    else:
        assert options.model.replace("_", "") == family
    assert dataset in options.dataset.replace("celeb_a", "celeba").replace("/", "")
    first = (RECIPES / f"{recipe}.flags").read_text().splitlines()[0]
    assert first.startswith("# ") and dataset.isidentifier()


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("glow-cifar10", dict(scales=3, steps=32, width=512, coupling="affine")),
        ("realnvp-cifar10", dict(scales=2, blocks=8, width=64, alpha=0.05)),
        ("maf-bsds300", dict(num_layers=5, hidden_units=(512, 512))),
        ("nice-mnist", dict(num_layers=4, hidden_units=(500,) * 5)),  # half the width
    ],
)
def test_the_papers_own_sizes(recipe, expected):
    arguments = families.model_arguments(options_of(recipe))
    assert arguments.items() >= expected.items()


@pytest.fixture(scope="module")
def mocked(tmp_path_factory):
    """A folder with the metadata, and nothing else, of the datasets that need a download."""
    folder = tmp_path_factory.mktemp("mocked")
    for name, splits in DOWNLOADED.items():
        builder = tfds.builder(name, data_dir=folder)
        template = tfds.core.ShardedFileTemplate(
            builder.data_path, dataset_name=builder.name, filetype_suffix="tfrecord"
        )
        infos = [
            tfds.core.SplitInfo(
                name=split, shard_lengths=[EXAMPLES], num_bytes=0, filename_template=template
            )
            for split in splits
        ]
        builder.info.set_splits(tfds.core.SplitDict(infos))
        builder.data_path.mkdir(parents=True)
        builder.info.write_to_directory(builder.data_path)
    return folder


@pytest.fixture
def stand_ins(mocked, prepared, tmp_path, monkeypatch):
    """A function of a recipe's options: the folder of its data, or of data in their place."""
    rng = np.random.default_rng(0)

    def tables(self, folder):
        columns = COLUMNS[self.builder_config.name]
        return [rng.normal(size=(n, columns)) for n in (200, 20, 20)]

    monkeypatch.setattr(UciDensity, "_prepare", tables)
    monkeypatch.setattr(NaturalPatches, "STRIDES", {32: 32})

    with contextlib.ExitStack() as stack:

        def folder(dataset):
            if dataset in DOWNLOADED:
                stack.enter_context(tfds.testing.mock_data(EXAMPLES, data_dir=str(mocked)))
                return mocked
            return prepared if dataset.startswith(("toy2d", *QUICKLY_MADE)) else tmp_path

        yield folder


@pytest.mark.slow
@pytest.mark.parametrize("recipe", names())
def test_every_recipe_trains_for_20_steps(recipe, stand_ins, tmp_path):
    """Flows of digits, toys and tables of scikit-learn in their own size, others small."""
    dataset, folder = options_of(recipe).dataset, tmp_path / "run"
    there = dataset.startswith(("toy2d", *QUICKLY_MADE))
    # One optimizer step is a step: a batch of stand-ins is smaller than the recipe's.
    own = [] if there else [*small(recipe), "--batch_size=9"]
    given = [*own, *QUIET, "--noise_draws=1", f"--data_dir={stand_ins(dataset)}"]
    given += [f"--manual_dir={tmp_path}"] if dataset.startswith("uci") else []
    options = options_of(recipe, *given, f"--model_dir={folder}")
    data = datasets.load(options.dataset, **run_options.data_arguments(options))
    steps = data.num_examples("train") // options.batch_size
    epochs = math.ceil(STEPS / steps)
    options.epochs = options.validation_interval = epochs
    result = train.train(options)
    assert math.isfinite(result["bits_per_dim"]["mean"]) and result["dataset"] == dataset
    lines = folders.read_metrics(folder)
    assert lines[-1]["step"] == epochs * steps >= STEPS
    losses = [line["loss"] for line in lines]
    assert np.isfinite(losses).all() and max(losses) < losses[0] + max(1, 0.01 * abs(losses[0]))
