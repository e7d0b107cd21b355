import json

import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo.backend import tfb, tfd
from zoo.distributions import configuration


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


def test_refuses_what_is_not_tfps():
    class Mine(tfd.Normal):
        pass

    with helpers.raises_one_line("Mine", "tfp.distributions", "cannot be saved"):
        configuration.serialize(Mine(0.0, 1.0))


def test_refuses_parameters_that_are_no_data():
    distribution = tfd.TransformedDistribution(
        _normal(2), tfb.Inline(lambda x: x, lambda x: x, forward_min_event_ndims=0)
    )
    with helpers.raises_one_line("cannot be saved"):
        configuration.serialize(distribution)
