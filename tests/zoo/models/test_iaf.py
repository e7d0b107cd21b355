import numpy as np
import tensorflow as tf

import zoo
from tests import helpers

SMALL = {"hidden_units": (8,), "num_layers": 1, "seed": 0, "dtype": "float64"}


def test_sampling_takes_one_pass():
    """No loop in the graph, unlike in the density's, which is the sequential direction."""
    flow = zoo.IAF((3,), jit_compile=False, **SMALL)
    z = tf.zeros((4, 3), tf.float64)
    loops = {"kind": "While"}, {"kind": "StatelessWhile"}
    bijector = flow.bijector
    counts = [
        [sum(helpers.operations(tf.function(call), z, **k) for k in loops)]
        for call in (lambda z: bijector().forward(z), lambda z: bijector().inverse(z))
    ]
    assert counts[0] == [0]
    assert counts[1] > [0]


def test_is_the_equation_of_the_paper():
    flow = helpers.randomize(zoo.IAF((3,), jit_compile=False, **SMALL), scale=1.0)
    norm, layer = flow.stack.layers
    z = helpers.data(flow, 4)
    m, s = np.moveaxis(np.asarray(layer.network(z)), -1, 0)
    gate = 1e-3 + (1 - 1e-3) / (1 + np.exp(-s - 2))
    expected = norm.bijector().forward(gate * z + (1 - gate) * m)
    np.testing.assert_allclose(flow.decode(z), expected)
