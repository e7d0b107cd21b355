"""Numbers as arguments."""

import numpy as np
import pytest

import zoo
from tests import helpers
from zoo.config import count, positive, share


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
