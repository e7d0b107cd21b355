"""Every layer of vectors: both directions against autodiff, at random weights, given a context."""

import pytest

from tests import helpers
from tests.zoo import images
from zoo import layers, transformers
from zoo.backend import without_xla

SMALL = {"hidden_units": (6,), "activation": "tanh", "seed": 0}
SIGMOIDAL = transformers.DeepSigmoidal(3)
MIXTURE = transformers.LogisticMixture(3)
PLAIN = {
    "act_norm": layers.ActNorm,
    "linear": lambda shape, **k: layers.LULinear(shape, seed=0, **k),
    "permutation": lambda shape, **k: layers.Permutation(shape, seed=3, **k),
}
CONDITIONAL = {
    "maf": lambda shape, **k: layers.Autoregressive(shape, order="random", **SMALL, **k),
    "iaf": lambda shape, **k: layers.Autoregressive(shape, "gated", fast="sample", **SMALL, **k),
    "naf": lambda shape, **k: layers.Autoregressive(shape, SIGMOIDAL, **SMALL, **k),
    "mixture": lambda shape, **k: layers.Autoregressive(shape, MIXTURE, **SMALL, **k),
    "mixture_coupling": lambda shape, **k: layers.Coupling(shape, "odd", MIXTURE, **SMALL, **k),
    "coupling": lambda shape, **k: layers.Coupling(shape, "odd", "spline", **SMALL, **k),
    "elementwise": lambda shape, **k: layers.Elementwise(shape, "scaled_tanh", (6,), seed=0, **k),
    "planar": lambda shape, **k: layers.Planar(shape, seed=0, **k),
    "radial": lambda shape, **k: layers.Radial(shape, fast="sample", seed=0, **k),
    "orthogonal": lambda shape, **k: layers.Sylvester(shape, bottleneck=1, seed=0, **k),
    "householder": lambda shape, **k: layers.Sylvester(shape, "householder", seed=0, **k),
    "triangular": lambda shape, **k: layers.Sylvester(shape, "triangular", seed=0, **k),
    "residual": lambda shape, **k: layers.Residual(shape, (5,), log_det="exact", seed=0, **k),
    "continuous": lambda shape, **k: layers.Continuous(shape, **SMALL, **k),
}


# Layers that iterate both ways or within each step take long: their other sizes are slow.
LONG = ("naf", "mixture", "residual", "continuous")
CASES = [
    pytest.param(name, size, marks=[pytest.mark.slow] * (name in LONG and size != 3))
    for name in [*PLAIN, *CONDITIONAL]
    for size in (1, 3, 4)
]


@pytest.mark.parametrize(("name", "size"), CASES)
def test_log_det_and_round_trip(name, size):
    make, context = (PLAIN | CONDITIONAL)[name], None
    settings = {"dtype": "float64"}
    if name in CONDITIONAL:
        settings["context_shape"], context = (2,), images.normal(2, 2, seed=5)
    # With some weights a map of one dimension hardly moves; these do.
    seed = {("radial", 1): 4, ("householder", 1): 7}.get((name, size), 1)
    layer = helpers.randomize(make((size,), **settings), seed=seed, scale=2.0)
    # XLA would take seconds to compile each loop; tests of single layers run them so.
    with without_xla():
        images.check(layer, context, volume_preserving=name == "permutation")
