"""Arguments as configuration, and the names of classes in saved files."""

import importlib
import inspect
import pkgutil

import keras
import numpy as np
import pytest

import zoo
from tests import helpers
from tests.zoo import table
from zoo import config
from zoo.config import ArgumentsAsConfig, count, positive, register, share


def registered():
    """Name in saved files -> the classes of `zoo` that were registered by it."""
    found = {}
    for module in pkgutil.walk_packages(zoo.__path__, "zoo."):
        try:
            members = vars(importlib.import_module(module.name))
        except ImportError:  # What an extra brings, `zoo.integrations` alone may lack.
            assert module.name.startswith("zoo.integrations.")
            continue
        for cls in members.values():
            if isinstance(cls, type) and cls.__module__ == module.name:
                name = keras.saving.get_registered_name(cls)
                if name.startswith("zoo"):
                    found.setdefault(name, []).append(cls)
    return found


def test_no_name_of_saved_files_is_claimed_twice():
    found = registered()
    assert {"zoo>MAF", "zoo>Planar", "zoo.layers>Planar", "zoo.networks>MADE"} <= set(found)
    for name, classes in found.items():
        assert classes == [keras.saving.get_registered_object(name)], name


@pytest.mark.parametrize("name", sorted(registered()))
def test_a_second_claim_is_refused(name):
    package, _, own = name.rpartition(">")
    with helpers.raises_one_line(name, "another name", __name__):
        register(package)(type(own, (), {"__module__": __name__}))
    assert keras.saving.get_registered_object(name) is registered()[name][0]


def configurations():
    """An object of every family, of every layer and of every network that these hold."""
    found = {}
    for name in [*table.conditional().values(), "layers", "maf_mixture_base"]:
        flow = table.build(name, randomly=None)
        for part in [flow, *flow._flatten_layers(include_self=False)]:
            if isinstance(part, ArgumentsAsConfig):
                found.setdefault(type(part), part)
    return found


def test_configurations_hold_every_argument():
    found = configurations()
    assert set(zoo.MODELS.values()) <= set(found)
    for cls, part in found.items():
        parameters = inspect.signature(cls).parameters.values()
        names = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
        assert names <= set(part.get_config()), cls


@pytest.mark.parametrize("family", zoo.MODELS.values())
def test_families_show_all_their_arguments(family):
    (first, *rest) = inspect.signature(family).parameters.values()
    assert first.name == "event_shape" and first.default is first.empty
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in rest)
    names = [p.name for p in rest]
    documented = family.__doc__.split("Args:")[1].split("Example:")[0]
    for name in ["event_shape", *names]:
        assert any(
            name in line.partition(":")[0].split(", ") for line in documented.split("\n  ")
        ), name
    assert {"context_shape", "levels", "base", "seed", "dtype", "name"} <= set(names)
    with pytest.raises(TypeError, match=rf"\A{family.__name__}: [^\n]*'colour'[^\n]*seed[^\n]*\Z"):
        family((4, 4, 1), colour="blue")
    with pytest.raises(TypeError, match=rf"\A{family.__name__}: too many positional"):
        family((4, 4, 1), 3)


def test_a_class_derived_from_a_family_has_its_arguments():
    class Deep(zoo.NICE):
        defaults = {"base": "normal"}

        def __init__(self, event_shape, *, num_layers=9, **rest):
            super().__init__(event_shape, num_layers=num_layers, **rest)

    flow = Deep((3,), hidden_units=(4,), jit_compile=False)
    assert inspect.signature(Deep).parameters["hidden_units"].default == (1000,) * 5
    config = flow.get_config()
    assert (config["num_layers"], config["hidden_units"], config["base"]) == (9, (4,), "normal")
    assert len(flow.stack.layers) == 10


def test_configurations_hold_the_defaults_of_the_form_that_is_built():
    dense = zoo.IResNet((2,), hidden_units=(4,)).get_config()
    assert (dense["num_layers"], dense["hidden_units"], dense["width"]) == (16, (4,), None)
    images = zoo.RealNVP((4, 4, 1), scales=1, blocks=0).get_config()
    assert (images["width"], images["blocks"], images["num_layers"]) == (32, 0, None)


def test_layers_keep_transformers_arrays_and_whether_they_are_frozen(tmp_path):
    layers = [
        zoo.layers.Coupling(
            (4,), [True, False, False, True], zoo.transformers.Spline(4, bound=2.0), (6,), seed=0
        ),
        zoo.layers.Permutation((4,), np.array([2, 0, 3, 1])),
        zoo.layers.Elementwise((4,), zoo.transformers.Affine(1.5)),
    ]
    flow = helpers.randomize(zoo.Flow(layers, jit_compile=False))
    layers[0].trainable = False
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    x = helpers.data(flow, 3)
    helpers.assert_same(loaded.log_prob(x), flow.log_prob(x))
    assert [layer.trainable for layer in loaded.stack.layers] == [False, True, True]
    trained, expected = (
        [v.path.split("/", 1)[-1] for v in f.trainable_variables] for f in (loaded, flow)
    )
    assert trained == expected == ["parameters"]


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_numbers_of_all_kinds_become_plain_ones(kind):
    for check in (positive, share):
        found = check("x", kind(0.5))
        assert found == 0.5 and type(found) is float
    for value in (3, 3.0, np.int64(3), kind(3)):
        assert count("x", value) == 3 and type(count("x", value)) is int


@pytest.mark.parametrize(
    "value", [0, -1, True, "1", None, float("nan"), float("inf"), [1], 10**400]
)
def test_what_is_no_number_in_range_is_refused(value):
    for check in (positive, share, count):
        with helpers.raises_one_line("x must", repr(value)[:50]):
            check("x", value)


def test_a_count_is_whole_and_large_enough():
    assert count("x", 0, least=0) == 0
    for value, least in ((2, 3), (2.5, 1)):
        with helpers.raises_one_line("x must be an integer", f"least {least}", repr(value)):
            count("x", value, least)


def test_layers_take_the_numbers_of_numpy():
    numbers = {"tolerance": np.float32(1e-5), "max_iterations": np.int64(50)}
    settings = {"hidden_units": (8,), "coefficient": np.float64(0.9)}
    layer = zoo.layers.Residual((3,), **settings, **numbers)
    assert layer.max_iterations == 50 and type(layer.get_config()["max_iterations"]) is int
    zoo.layers.Planar((3,), **numbers)
    zoo.layers.Sylvester((3,), bottleneck=np.int64(2), **numbers)
    layer = zoo.layers.Continuous(
        (3,), hidden_units=(8,), rtol=np.float32(1e-3), atol=np.float64(1e-3), max_steps=np.int32(9)
    )
    assert type(layer.settings.rtol) is float and type(layer.settings.max_steps) is int
    assert type(layer.get_config()["rtol"]) is float
    zoo.layers.Continuous((3,), hidden_units=(8,), probes=np.int32(2), end_time=np.float32(0.5))


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: zoo.MAF((3,), num_classes=True), "num_classes"),
        (lambda: zoo.MADE((3,), components=True), "components"),
        (lambda: zoo.ContinuousFlow((3,), time_features=True), "time_features"),
        (lambda: zoo.ContinuousFlow((3,), rtol=True), "rtol"),
        (lambda: zoo.Sylvester((3,), bottleneck=4), "bottleneck"),
    ],
)
def test_what_is_no_number_is_refused_by_its_name(make, name):
    with helpers.raises_one_line(f"{name} must be"):
        make()


def test_an_array_that_is_refused_is_told_in_one_line():
    for refuse in (config.count, config.positive, config.share, config.seed, config.flag):
        with helpers.raises_one_line("n must", "array([0."):
            refuse("n", np.zeros(100))
