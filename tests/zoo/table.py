"""The table of models that feeds the parametrized tests; a new model joins by one line.

It says nothing of a backend where it can help it: the test under JAX goes through it as well.
"""

import functools

import numpy as np
import pytest

import zoo
from zoo.backend import tfd


def _normal(**kwargs):
    """A base with dependent entries, as a TFP distribution without variables."""
    lower = np.array([[1.0, 0.0, 0.0], [0.3, 0.8, 0.0], [-0.2, 0.4, 1.1]], "float32")
    return tfd.MultivariateNormalTriL(loc=np.array([0.1, -0.2, 0.3], "float32"), scale_tril=lower)


def _variables():
    """A base with variables of its own: those of TensorFlow, which TFP's JAX side does not have."""
    import tensorflow as tf

    loc = tf.Variable([0.1, -0.2, 0.3], name="loc")
    return tfd.MultivariateNormalDiag(loc=loc, scale_diag=tf.Variable([1.0, 0.5, 2.0]))


def _layers():
    """One of each layer that no family uses by itself."""
    return [
        zoo.layers.Permutation((3,), seed=1),
        zoo.layers.LULinear((3,), seed=2),
        zoo.layers.Coupling((3,), mask="first_half", hidden_units=(8,), context_shape=(2,)),
        zoo.layers.Reverse((3,)),
        zoo.layers.Elementwise((3,), context_shape=(2,), hidden_units=(8,)),
        zoo.layers.Autoregressive(
            (3,), hidden_units=(7,), order=[2, 0, 1], fast="sample", context_shape=(2,)
        ),
    ]


def _small(family, event_shape=(3,), **settings):
    # An activation without a flat half: every weight has a gradient, whatever the data.
    settings = {"num_layers": 2, "hidden_units": (8, 8), "activation": "elu", "seed": 0} | settings
    if family is zoo.MADE:
        del settings["num_layers"]
    return functools.partial(family, event_shape=event_shape, **settings)


def _images(family, **settings):
    settings = {"event_shape": (4, 4, 1), "scales": 2, "width": 4, "seed": 0} | settings
    return functools.partial(family, **settings)


def _patches(family, **settings):
    small = {"patch_size": 2, "num_layers": 2, "blocks": 1, "width": 8, "seed": 0}
    return functools.partial(family, (4, 4, 1), **(small | settings))


NICE, RealNVP, MADE, MAF, IAF = zoo.NICE, zoo.RealNVP, zoo.MADE, zoo.MAF, zoo.IAF
NSF, NAF = zoo.NSF, zoo.NAF
Mixture = zoo.transformers.LogisticMixture
Spline, Sigmoidal = zoo.transformers.Spline, zoo.transformers.DeepSigmoidal
Continuous = zoo.ContinuousFlow
EQUAL_STEPS = {"num_layers": 1, "activation": "tanh", "solver": "rk4", "num_steps": 8}
IMAGE = {"event_shape": (2, 2, 1), "levels": 5}

# name -> (**kwargs of every flow: jit_compile, dtype, name; most take another event_shape) -> flow
MODELS = {
    "nice": _small(NICE),
    "nice_context": _small(NICE, context_shape=(2,)),
    "nice_one_dimension": _small(NICE, (1,)),
    "real_nvp": _small(RealNVP),
    "real_nvp_spline": _small(RealNVP, transformer="spline"),
    "real_nvp_additive": _small(RealNVP, transformer="additive"),
    "real_nvp_gated": _small(RealNVP, transformer="gated"),
    "real_nvp_context": _small(RealNVP, context_shape=(2, 2)),
    "real_nvp_image": _small(RealNVP, preprocessing="center", **IMAGE),
    "real_nvp_scales": _images(RealNVP, blocks=0, context_shape=(2,)),
    "glow": _images(zoo.Glow, steps=1),
    "glow_image": _images(zoo.Glow, steps=1, levels=5, num_classes=3),
    "glow_recompute": _images(zoo.Glow, steps=1, recompute="inverse"),
    "made": _small(MADE),
    "made_context": _small(MADE, context_shape=(2,)),
    "maf": _small(MAF),
    "maf_one_dimension": _small(MAF, (1,), context_shape=(2,)),
    "maf_additive": _small(MAF, transformer="additive"),
    "maf_gated": _small(MAF, transformer="gated"),
    "maf_spline": _small(MAF, num_layers=1, transformer=Spline(num_bins=4, bound=2.0)),
    "maf_residual": _small(MAF, hidden_units=(8, 8, 8), residual=True, activation="tanh"),
    "maf_random": _small(MAF, (5,), order="random"),
    "maf_linear": _small(MAF, hidden_units=()),
    "maf_narrow": _small(MAF, (5,), hidden_units=(2,)),
    "maf_context": _small(MAF, context_shape=(2,)),
    "maf_classes": _small(MAF, num_classes=3),
    "maf_image": _small(MAF, num_classes=3, **IMAGE),
    "maf_flow_base": lambda **k: _small(MAF, base=_small(RealNVP)(**k))(**k),
    "maf_distribution_base": lambda **k: _small(MAF, base=_normal())(**k),
    "maf_variables_base": lambda **k: _small(MAF, base=_variables())(**k),
    "maf_mixture_base": lambda **k: _small(MAF, base=_small(MADE, components=3)(**k))(**k),
    "made_mixture": _small(MADE, components=3, context_shape=(2,)),
    "iaf": _small(IAF),
    "iaf_spline": _small(IAF, num_layers=1, transformer=Spline(num_bins=3)),
    "iaf_affine_random": _small(IAF, (5,), transformer="affine", order="random"),
    "iaf_context": _small(IAF, context_shape=(2,)),
    "i_resnet": _small(zoo.IResNet),
    "i_resnet_one_dimension": _small(zoo.IResNet, (1,), num_layers=1, context_shape=(2,)),
    "i_resnet_scales": _images(zoo.IResNet, blocks=1, log_det="exact", context_shape=(2,)),
    "residual_flow": _small(zoo.ResidualFlow, (5,), activation="lipswish", num_layers=1),
    "residual_flow_roulette": _small(zoo.ResidualFlow, (12,), activation="lipswish", num_layers=1),
    "residual_flow_image": _small(zoo.ResidualFlow, num_classes=3, **IMAGE),
    "nsf": _small(NSF, hidden_units=(8, 8, 8), num_bins=3),
    "nsf_one_dimension": _small(NSF, (1,), context_shape=(2,), num_bins=3),
    "nsf_image": _small(NSF, num_classes=3, num_bins=3, **IMAGE),
    "nsf_autoregressive": _small(NSF, kind="autoregressive", num_layers=1, num_bins=3),
    "naf": _small(NAF, num_units=3),
    "naf_context": _small(NAF, context_shape=(2,), num_layers=1, num_units=3, dense=True),
    "naf_dense": _small(NAF, num_layers=1, num_units=3, sigmoid_layers=2, dense=True),
    "naf_image": _small(NAF, num_classes=3, num_layers=1, num_units=3, **IMAGE),
    "naf_sample": _small(NAF, num_layers=1, num_units=3, sigmoid_layers=2, fast="sample"),
    "real_nvp_sigmoidal": _small(RealNVP, transformer=Sigmoidal(num_units=3)),
    "maf_mixture": _small(MAF, num_layers=1, transformer=Mixture(3), context_shape=(2,)),
    "real_nvp_mixture": _small(RealNVP, transformer=Mixture(3)),
    "glow_mixture": _images(zoo.Glow, steps=1, coupling=Mixture(2), attention=2),
    "planar": _small(zoo.Planar),
    "planar_context": _small(zoo.Planar, context_shape=(2,), fast="sample"),
    "radial": _small(zoo.Radial),
    "radial_image": _small(zoo.Radial, num_classes=3, fast="sample", **IMAGE),
    "sylvester": _small(zoo.Sylvester, bottleneck=2),
    "sylvester_context": _small(
        zoo.Sylvester, variant="householder", context_shape=(2,), fast="sample"
    ),
    "sylvester_triangular": _small(zoo.Sylvester, (1,), variant="triangular"),
    "continuous": _small(Continuous, num_layers=1, activation="tanh"),
    "continuous_context": _small(Continuous, context_shape=(2,), **EQUAL_STEPS),
    "continuous_image": _small(Continuous, num_classes=3, **IMAGE, **EQUAL_STEPS),
    "tar_flow": _patches(zoo.TarFlow, heads=2, context_shape=(2,)),
    "tar_flow_within": _patches(
        zoo.TarFlow, within="autoregressive", hidden_units=(8,), activation="elu", num_layers=1
    ),
    "tar_flow_image": _patches(
        zoo.TarFlow, levels=5, num_classes=3, num_layers=1, label_dropout=0.2
    ),
    "jet": _patches(zoo.Jet, spatial=2, context_shape=(2,)),
    "layers": lambda **k: zoo.Flow(_layers(), context_shape=(2,), **k),
}

# Bases with variables of their own: TFP has none under JAX.
TENSORFLOW_ONLY = {"maf_variables_base"}


def build(name, randomly=0.5, **kwargs):
    """The flow called `name`, with random weights of this scale (`None` leaves it fresh)."""
    from tests import helpers

    flow = MODELS[name](**kwargs)
    return flow if randomly is None else helpers.randomize(flow, seed=1, scale=randomly)


def conditional():
    """Of each family, by its name in `zoo.MODELS`, the first row that takes a context."""
    found = {}
    for name, row in MODELS.items():
        settings = getattr(row, "keywords", {})
        if "context_shape" in settings or "num_classes" in settings:
            found.setdefault(row.func.__module__.rpartition(".")[2], name)
    return found


@functools.cache
def shared(name, jit_compile=False):
    """`build(name)`, once for all tests that do not change it."""
    return build(name, jit_compile=jit_compile)


# One of each family, of each kind of event and context, and of each base.
QUICK = {*zoo.MODELS, "maf_classes", "maf_flow_base", "maf_variables_base", "layers"}
QUICK |= {"real_nvp_image", "glow_image", "made_mixture"}


def params(quick=QUICK, names=tuple(MODELS)):
    """Names to parametrize a test by: all of these, and slow those that are not of `quick`."""
    return [n if n in quick else pytest.param(n, marks=pytest.mark.slow) for n in names]
