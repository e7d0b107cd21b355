import numpy as np

import zoo
from tests import helpers


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
