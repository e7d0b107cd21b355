"""From flags to flows: arguments, contexts, bases, and what is refused."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

import zoo
from trainers import train
from trainers.runs import families, flagfiles

PLAIN = {"bounds": None, "standardize": None}
DIGITS = SimpleNamespace(name="digits", event_shape=(8, 8, 1), levels=17, num_classes=10, **PLAIN)
TABLE = SimpleNamespace(name="table", event_shape=(5,), levels=None, num_classes=None, **PLAIN)


def build(data, *argv):
    options = flagfiles.new_options(train.define_flags, ["--hidden_units=8", *argv])
    return families.build(options, data)


def test_flags_become_arguments():
    flow = build(
        DIGITS,
        "--model=maf",
        "--num_layers=3",
        "--hidden_units=8, 6",
        "--transformer=additive",
        "--preprocessing=center",
        "--base=logistic",
        "--class_conditional",
        '--model_args={"order": "random"}',
    )
    config = flow.get_config()
    assert config["num_layers"] == 3 and config["transformer"] == "additive"
    assert config["order"] == "random" and config["base"] == "logistic"
    assert config["preprocessing"] == "center"
    assert (flow.num_classes, flow.levels, flow.event_shape) == (10, 17, (8, 8, 1))


def test_a_transformer_in_braces_has_its_arguments():
    flags = ["--model=glow", "--width=4", '--coupling={"name": "mixture", "num_components": 3}']
    flow = families.build(flagfiles.new_options(train.define_flags, flags), DIGITS)
    assert flow.get_config()["coupling"]["num_components"] == 3


def test_what_is_unset_is_the_default_of_the_family():
    flow = build(TABLE, "--model=iaf")
    default = inspect.signature(zoo.IAF).parameters["transformer"].default
    assert flow.get_config()["transformer"] == default and flow.levels is None


def test_the_seed_decides_the_weights():
    weights = [build(TABLE, "--model=maf", f"--seed={seed}").get_weights() for seed in (1, 1, 2)]
    same = [
        all(np.array_equal(a, b) for a, b in zip(weights[0], w, strict=True)) for w in weights[1:]
    ]
    assert same == [True, False]


@pytest.mark.parametrize("precision", ["float64", "mixed_bfloat16"])
def test_precision(precision):
    flow = build(TABLE, "--model=maf", f"--precision={precision}")
    assert flow.dtype_policy.name == precision


def test_a_flow_as_base():
    base = '--base={"model": "made", "components": 3, "hidden_units": [8]}'
    flow = build(DIGITS, "--model=maf", "--class_conditional", base)
    assert isinstance(flow.base, zoo.MADE)
    assert (flow.base.event_shape, flow.base.num_classes) == ((64,), 10)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--model=mafia"], "--model must be one of .*made, maf, n"),
        (["--model=nice", "--transformer=affine"], "nice has no argument 'transformer'; it takes"),
        (
            ["--model=maf", '--model_args={"layers": 3}'],
            r"no argument 'layers' \(did you mean 'num_layers'\?\); it takes activation",
        ),
        (["--model=maf", '--model_args={"event_shape": [3]}'], "no argument 'event_shape'"),
        (["--model=maf", "--model_args=[1]"], "--model_args must be a JSON object; got"),
        (["--model=maf", "--model_args={"], "--model_args must be a JSON object: "),
        (
            ["--model=maf", "--num_layers=2", '--model_args={"num_layers": 3}'],
            "repeats --num_layers",
        ),
        (["--model=maf", "--hidden_units=8,x"], "positive integers such as 512,512; got 8,x"),
        (["--model=maf", "--transformer=cubic"], "transformer must be one of .*affine"),
        (["--model=maf", "--base=cauchy"], "base must be one of"),
        (["--model=maf", '--base={"model": "foo"}'], "the model of --base must be one of"),
        (["--model=maf", '--base={"model": "made", "x": 1}'], "made has no argument 'x'"),
        (["--model=maf", "--class_conditional"], "needs labels, and table has none"),
    ],
)
def test_wrong_arguments_are_told(argv, message):
    with pytest.raises(ValueError, match=message):
        build(TABLE, *argv)


def test_families_by_what_they_take(monkeypatch):
    some = {name: zoo.MODELS[name] for name in ("maf", "real_nvp", "nice", "glow")}
    monkeypatch.setattr(zoo, "MODELS", some)
    taken, refused = families.of_events((2,))
    assert {"maf", "real_nvp", "nice"} <= set(taken) and taken["maf"] is zoo.MAF
    assert set(refused) == set(zoo.MODELS) - set(taken)
    assert "event_shape" in refused["glow"] and "\n" not in refused["glow"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (['--model_args={"alpha": NaN}'], "expected finite numbers, got NaN"),
        (['--model_args={"alpha": 1e999}'], "expected finite numbers, got 1e999"),
        (['--model_args={"a": ' + "[" * 100_000], "must be a JSON object"),
        (["--hidden_units=65537"], "hidden_units or width of at most 65536, got 65537"),
        (["--hidden_units=" + "9" * 5000], "must be positive integers"),
        (["--hidden_units=" + "8," * 2000 + "8"], "hidden layers of at most 1000, got 2001"),
        (["--hidden_units=65536,65536,65536", "--num_layers=1000"], "fewer layers or units"),
        (['--model_args={"num_layers": 1000000000}'], "num_layers of at most 1000, got"),
        (['--model_args={"num_layers": "x"}'], "num_layers"),
        (['--model_args={"hidden_units": [[1]]}'], "hidden_units|refused its arguments"),
        (['--model_args={"hidden_units": {"a": 1}}'], "hidden_units|refused its arguments"),
        (['--model_args={"activation": [1]}'], "activation|refused its arguments"),
        (['--model_args={"base": 7}'], "base|refused its arguments"),
        (['--base={"model": "made", "components": 10000000000}'], "components of at most 65536"),
        (['--base={"model": []}'], "the model of --base must be one of"),
    ],
)
def test_arguments_of_wrong_types_and_absurd_sizes_are_one_line(argv, message):
    options = flagfiles.new_options(train.define_flags, ["--model=maf", *argv])
    with pytest.raises(ValueError, match=message) as caught:
        families.build(options, DIGITS)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
