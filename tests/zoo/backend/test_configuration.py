import json
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo.backend import configuration, tfb, tfd, tfp


def _normal(*shape):
    return tfd.Independent(tfd.Normal(np.zeros(shape, "float32"), 1.0), 1)


DISTRIBUTIONS = {
    "normal": lambda: tfd.MultivariateNormalDiag([0.5, 1.0], [2.0, 3.0]),
    "independent": lambda: tfd.Independent(tfd.StudentT(5.0, [0.0, 1.0], [1.0, 2.0]), 1),
    "mixture": lambda: tfd.MixtureSameFamily(
        tfd.Categorical(logits=[0.1, 0.7]),
        tfd.MultivariateNormalDiag([[0.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [2.0, 1.0]]),
    ),
    "transformed": lambda: tfd.TransformedDistribution(
        _normal(2), tfb.Chain([tfb.Shift([1.0, 2.0]), tfb.Scale([2.0, 0.5])])
    ),
    "variables": lambda: tfd.MultivariateNormalDiag(tf.Variable([1.0, 2.0]), [2.0, 3.0]),
    "transformed variable": lambda: tfd.MultivariateNormalDiag(
        tf.Variable([1.0, 2.0]), tfp.util.TransformedVariable([2.0, 3.0], tfb.Softplus())
    ),
    "triangle": lambda: tfd.MultivariateNormalTriL(
        [1.0, 2.0], tfp.util.TransformedVariable([[1.0, 0.0], [-2.0, 3.0]], tfb.FillScaleTriL())
    ),
    "triangle with exponentials": lambda: tfd.MultivariateNormalTriL(
        [1.0, 2.0],
        tfp.util.TransformedVariable(
            # So small that the default of the shift would be seen.
            [[1e-3, 0.0], [-2.0, 1e-3]],
            tfb.FillScaleTriL(tfb.Exp(), diag_shift=None),
        ),
    ),
    "deferred": lambda: tfd.MultivariateNormalDiag(
        [1.0, 2.0], tfp.util.DeferredTensor(tf.Variable([0.2, 0.3]), tfb.Exp())
    ),
    "deferred constant": lambda: tfd.MultivariateNormalDiag(
        [1.0, 2.0], tfp.util.DeferredTensor(tf.constant([0.2, 0.3]), tfb.Exp())
    ),
    "bijector with a variable": lambda: tfd.MultivariateNormalDiag(
        [1.0, 2.0],
        tfp.util.TransformedVariable([2.0, 3.0], tfb.Scale(tf.Variable(0.5)), trainable=False),
    ),
    "one variable twice": lambda: (lambda v: tfd.MultivariateNormalDiag(v, v))(
        tf.Variable([1.0, 2.0])
    ),
    "variable of Keras": lambda: tfd.MultivariateNormalDiag(keras.Variable([1.0, 2.0])),
    "double": lambda: tfd.MultivariateNormalDiag(np.zeros(2), np.ones(2)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_survives_json(name):
    distribution = DISTRIBUTIONS[name]()
    config = json.loads(json.dumps(configuration.serialize(distribution)))
    copy = configuration.deserialize(config)
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(distribution.dtype.name)
    helpers.assert_same(copy.log_prob(x), distribution.log_prob(x))
    assert len(copy.trainable_variables) == len(distribution.trainable_variables)
    assert copy.dtype == distribution.dtype
    # Keras saves the variables by their order, and they mean the same.
    for mine, other in zip(copy.variables, distribution.variables, strict=True):
        np.testing.assert_array_equal(mine, other)
        assert mine.trainable == other.trainable
    for variable in (*copy.variables, *distribution.variables):
        variable.assign(variable + 0.1)
    helpers.assert_same(copy.log_prob(x), distribution.log_prob(x))


def test_refuses_what_is_not_tfps():
    class Mine(tfd.Normal):
        pass

    with helpers.raises_one_line("Mine", "tfp.distributions", "cannot be saved"):
        configuration.serialize(Mine(0.0, 1.0))


def test_refuses_parameters_that_are_no_data():
    distribution = tfd.TransformedDistribution(
        _normal(2), tfb.Inline(lambda x: x, lambda x: x, forward_min_event_ndims=0)
    )
    with helpers.raises_one_line("TransformedDistribution.bijector", "Inline", "cannot be saved"):
        configuration.serialize(distribution)


def with_a_function():
    return tfd.MultivariateNormalDiag(
        [1.0, 2.0], tfp.util.DeferredTensor(tf.Variable([0.2, 0.3]), tf.math.exp)
    )


@pytest.mark.parametrize("way", ["save", "keras", "pickle", "export"])
def test_what_cannot_be_saved_is_refused_before_anything_is_written(way, tmp_path):
    flow = zoo.Flow([zoo.layers.ActNorm((2,))], base=with_a_function(), jit_compile=False)
    calls = {
        "save": lambda: zoo.save(flow, tmp_path / "entry"),
        "keras": lambda: flow.save(tmp_path / "flow.keras"),
        "pickle": lambda: pickle.dumps(flow),
        "export": lambda: flow.export(tmp_path / "export"),
    }
    with helpers.raises_one_line("MultivariateNormalDiag.scale_diag", "cannot be saved"):
        calls[way]()
    if way != "keras":  # Which opens its file first.
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["save", "pickle", "export"])
def test_a_trained_base_is_the_same_density_when_loaded(way, tmp_path):
    base = DISTRIBUTIONS["triangle"]()
    flow = zoo.Flow([zoo.layers.ActNorm((2,))], base=base, jit_compile=False)
    helpers.randomize(flow, scale=1.0)
    loaded = {
        "save": lambda: zoo.load(zoo.save(flow, tmp_path / "entry")),
        "pickle": lambda: pickle.loads(pickle.dumps(flow)),
        "export": lambda: zoo.load_exported(flow.export(tmp_path / "export")),
    }[way]()
    x = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    helpers.assert_same(loaded.log_prob(x), flow.log_prob(x))


@pytest.mark.parametrize(
    "config",
    [
        {"same_as": 0},
        {"bijector": {"value": 1.0}, "of": {"array": [1.0], "dtype": "float32"}},
        {"bijector": {"tfp": "bijectors.Exp", "parameters": {}}, "of": {"value": 1.0}},
        {"bijector": {"tfp": "bijectors.Exp", "parameters": {}}},
    ],
)
def test_constrained_parameters_that_are_none(config):
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
        configuration.deserialize(config)
