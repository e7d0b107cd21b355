"""The net: every family small, with random weights, against numbers recorded once.

`tests/data/NAME.npz` holds a flow's constructor arguments, its weights in their order, inputs, and
what the public calls gave for them. A flow rebuilt from these must give the same numbers, whatever
has moved inside. `python -m tests.net` prints the largest difference by family.
"""

import contextlib
import json
from pathlib import Path

import numpy as np

import zoo
from zoo.backend import tfd

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"

# Arguments and classes that are called otherwise now than in the recorded files: old name -> new.
RENAMED = {}

# Relative differences in float64 and float32; larger where a solver stops at a tolerance.
EXACT, ITERATED = (1e-9, 1e-5), (1e-8, 1e-4)
TOLERANCES = {
    family: ITERATED
    for family in ("continuous", "i_resnet", "residual_flow", "naf", "planar", "sylvester")
}

# An activation without a flat half: every weight matters, whatever the data.
_DENSE = {"num_layers": 2, "hidden_units": (8, 8), "activation": "elu", "seed": 0}
_IMAGE = {"scales": 2, "width": 4, "seed": 0}
_LEVELS = {"event_shape": (2, 2, 1), "levels": 5}
_RK4 = {"num_layers": 1, "activation": "tanh", "solver": "rk4", "num_steps": 6}


def _dense(family, event_shape=(3,), **kwargs):
    shared = {k: v for k, v in _DENSE.items() if (family, k) != ("made", "num_layers")}
    return family, {"event_shape": event_shape} | shared | kwargs


def _images(family, event_shape=(4, 4, 1), **kwargs):
    return family, {"event_shape": event_shape} | _IMAGE | kwargs


def _object(room, name, **kwargs):
    """What stands for an object among the arguments, which JSON holds; `_argument` builds it."""
    return {"room": room, "name": name, "kwargs": kwargs}


def _base(*args, **kwargs):
    family, kwargs = _dense(*args, **kwargs)
    return _object("models", family, **kwargs)


def _spline(**kwargs):
    return _object("transformers", "Spline", **kwargs)


def _noise(event_shape, levels):
    given = {"event_shape": event_shape, "levels": levels, "steps": 2, "width": 4, "seed": 1}
    return _object("zoo", "VariationalDequantizer", **given)


def _layers():
    """One of each layer that no family uses by itself."""
    shape = {"event_shape": (3,)}
    given = shape | {"context_shape": (2,), "hidden_units": (8,), "seed": 3}
    return [
        _object("layers", "Permutation", **shape, seed=1),
        _object("layers", "LULinear", **shape, seed=2),
        _object("layers", "Coupling", **given, mask="first_half"),
        _object("layers", "Reverse", **shape),
        _object("layers", "Elementwise", **given),
        _object("layers", "Autoregressive", **given, order=(2, 0, 1), fast="sample"),
    ]


# name -> (family of zoo.MODELS, constructor arguments); recorded in float64.
CASES = {
    "nice": _dense("nice"),
    "nice_context": _dense("nice", context_shape=(2,)),
    "nice_levels": _dense("nice", **_LEVELS),
    "nice_variational": _dense("nice", **_LEVELS, dequantization=_noise((2, 2, 1), 5)),
    "real_nvp": _dense("real_nvp", (4,)),
    "real_nvp_context": _dense("real_nvp", context_shape=(2, 2)),
    "real_nvp_spline": _dense("real_nvp", transformer="spline"),
    "real_nvp_levels": _dense("real_nvp", preprocessing="center", num_classes=3, **_LEVELS),
    "real_nvp_scales": _images("real_nvp", blocks=1, context_shape=(2,)),
    "real_nvp_scales_levels": _images("real_nvp", (8, 8, 1), blocks=0, levels=16),
    "glow": _images("glow", steps=2),
    "glow_context": _images("glow", steps=1, context_shape=(2,), learn_prior=False),
    "glow_levels": _images("glow", steps=1, levels=5, num_classes=3),
    "glow_plain": _images("glow", (8, 8, 1), steps=2, conv="plain", coupling="additive"),
    "glow_variational": _images(
        "glow", steps=1, levels=5, dequantization=_noise((4, 4, 1), 5), preprocessing="logit"
    ),
    "glow_flow_base": _images("glow", steps=1, base=_base("maf", (16,), num_layers=1)),
    "made": _dense("made"),
    "made_mixture": _dense("made", components=3, context_shape=(2,)),
    "made_levels": _dense("made", num_classes=2, **_LEVELS),
    "maf": _dense("maf"),
    "maf_context": _dense("maf", context_shape=(2,)),
    "maf_classes": _dense("maf", num_classes=3),
    "maf_levels": _dense("maf", num_classes=3, **_LEVELS),
    "maf_one_dimension": _dense("maf", (1,), context_shape=(2,)),
    "maf_random": _dense("maf", (6,), order="random"),
    "maf_residual": _dense("maf", hidden_units=(8, 8, 8), residual=True, activation="tanh"),
    "maf_linear": _dense("maf", hidden_units=()),
    "maf_additive": _dense("maf", transformer="additive", base="logistic"),
    "maf_spline": _dense("maf", transformer=_spline(num_bins=4, bound=2.0)),
    "maf_flow_base": _dense("maf", base=_base("real_nvp")),
    "maf_mixture_base": _dense("maf", base=_base("made", components=3)),
    "maf_distribution_base": _dense("maf", base=_object("distributions", "dependent")),
    "maf_variables_base": _dense("maf", base=_object("distributions", "variables")),
    "iaf": _dense("iaf"),
    "iaf_context": _dense("iaf", (4,), context_shape=(2,)),
    "iaf_spline": _dense("iaf", transformer=_spline(num_bins=3)),
    "iaf_levels": _dense("iaf", **_LEVELS),
    "i_resnet": _dense("i_resnet"),
    "i_resnet_context": _dense("i_resnet", context_shape=(2,)),
    "i_resnet_series": _dense("i_resnet", (6,), log_det="series", eval_terms=6),
    "i_resnet_scales": _images("i_resnet", blocks=1, log_det="exact", context_shape=(2,)),
    "i_resnet_scales_levels": _images("i_resnet", blocks=1, levels=5, eval_terms=6),
    "residual_flow": _dense("residual_flow", (5,), activation="lipswish"),
    "residual_flow_roulette": _dense(
        "residual_flow", (12,), activation="lipswish", num_layers=1, eval_terms=5, probes=2
    ),
    "residual_flow_levels": _dense("residual_flow", num_classes=3, **_LEVELS),
    "residual_flow_scales": _images("residual_flow", blocks=1, eval_terms=4),
    "nsf": _dense("nsf", hidden_units=(8, 8, 8), num_bins=3),
    "nsf_context": _dense("nsf", (4,), context_shape=(2,), num_bins=3, residual=False),
    "nsf_autoregressive": _dense("nsf", kind="autoregressive", num_bins=3),
    "nsf_levels": _dense("nsf", num_classes=3, num_bins=3, **_LEVELS),
    "naf": _dense("naf", num_units=3),
    "naf_context": _dense("naf", context_shape=(2,), num_units=3, dense=True),
    "naf_sample": _dense("naf", num_units=3, sigmoid_layers=2, fast="sample"),
    "planar": _dense("planar"),
    "planar_context": _dense("planar", context_shape=(2,), fast="sample"),
    "radial": _dense("radial"),
    "radial_context": _dense("radial", context_shape=(2,)),
    "radial_levels": _dense("radial", num_classes=3, fast="sample", **_LEVELS),
    "sylvester": _dense("sylvester", bottleneck=2),
    "sylvester_householder": _dense(
        "sylvester", variant="householder", num_reflections=2, context_shape=(2,), fast="sample"
    ),
    "sylvester_triangular": _dense("sylvester", variant="triangular"),
    "continuous": _dense("continuous", num_layers=1, activation="tanh", rtol=1e-7, atol=1e-7),
    "continuous_context": _dense("continuous", context_shape=(2,), **_RK4),
    "continuous_hutchinson": _dense("continuous", (6,), trace="hutchinson", probes=2, **_RK4),
    "continuous_levels": _dense("continuous", num_classes=3, **_LEVELS, **_RK4),
    "layers": ("flow", {"layers": _layers(), "context_shape": (2,)}),
}
# More than five seconds each, op by op.
SLOW = {
    "continuous_float32",
    "continuous_levels",
    "naf_context",
    "naf_sample",
    "residual_flow_scales",
}
# One case a family in float32, too.
CASES |= {f"{family}_float32": CASES[family] for family in zoo.MODELS if family in CASES}


def dtype_of(name):
    """The type that a case is recorded in."""
    return "float32" if name.endswith("_float32") else "float64"


def tolerance(name):
    """The largest relative difference that a case may show."""
    family, is_single = CASES[name][0], dtype_of(name) == "float32"
    return TOLERANCES.get(family, EXACT)[is_single]


def build(family, kwargs, dtype):
    """A flow from its family's name and its recorded arguments."""
    family = zoo.Flow if family == "flow" else zoo.MODELS[family]
    return family(**_argument(kwargs, dtype), dtype=dtype)


def _argument(value, dtype):
    """An argument as constructors take it: tuples, and objects for what stands for one."""
    if isinstance(value, list | tuple):
        return tuple(_argument(item, dtype) for item in value)
    if not isinstance(value, dict):
        return value
    if "room" not in value:
        return {RENAMED.get(key, key): _argument(item, dtype) for key, item in value.items()}
    room, name = value["room"], RENAMED.get(value["name"], value["name"])
    if room == "models":
        return build(name, value["kwargs"], dtype)
    if room == "distributions":
        return _distribution(name, dtype)
    kwargs = _argument(value["kwargs"], dtype)
    if room == "transformers":
        return getattr(zoo.transformers, name)(**kwargs)
    return getattr(zoo.layers if room == "layers" else zoo, name)(**kwargs, dtype=dtype)


def _distribution(name, dtype):
    """Bases that are distributions of TFP, by name."""
    loc = np.array([0.1, -0.2, 0.3], dtype)
    if name == "dependent":
        lower = [[1.0, 0.0, 0.0], [0.3, 0.8, 0.0], [-0.2, 0.4, 1.1]]
        return tfd.MultivariateNormalTriL(loc=loc, scale_tril=np.array(lower, dtype))
    import tensorflow as tf

    scale = tf.Variable(np.array([1.0, 0.5, 2.0], dtype))
    return tfd.MultivariateNormalDiag(loc=tf.Variable(loc), scale_diag=scale)


def outputs(flow, given):
    """What the public calls give for these inputs: name -> array."""
    x, z, context = given["x"], given["z"], given.get("context")
    n = len(x)
    found = {
        "log_prob": flow.log_prob(x, context, seed=3),
        "encode": flow.encode(x, context),
        "decode": flow.decode(z, context),
        "sample": flow.sample(n, context, seed=1),
        "sample_cool": flow.sample(n, context, seed=2, temperature=0.7),
    }
    if "x_float" in given:
        found["log_prob_float"] = flow.log_prob(given["x_float"], context, seed=3)
    if flow.num_classes:
        found["log_prob_mixture"] = flow.log_prob(x, seed=3)
        found["sample_mixture"] = flow.sample(n, seed=1)
    return {key: np.asarray(value) for key, value in found.items()}


def difference(found, expected):
    """The largest difference, relative to numbers larger than one."""
    expected = np.asarray(expected, "float64")
    if found.shape != expected.shape or not np.isfinite(found).all():
        return np.inf
    return float(np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))))


@contextlib.contextmanager
def eagerly():
    """Runs compiled functions op by op: compiling takes seconds a flow."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def read(path):
    """What a file holds: about, weights (end to end there), inputs, outputs."""
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays.pop("about")))
    sizes = [int(np.prod(shape)) for shape in about["shapes"]]
    parts = np.split(arrays.pop("weights"), np.cumsum(sizes)[:-1])
    weights = [w.reshape(shape) for w, shape in zip(parts, about["shapes"], strict=True)]
    given = {key[3:]: value for key, value in arrays.items() if key.startswith("in_")}
    found = {key[4:]: value for key, value in arrays.items() if key.startswith("out_")}
    return about, weights, given, found


def rebuilt(name):
    """The flow of a recorded case, with its weights; its inputs and its recorded outputs."""
    about, weights, given, expected = read(DATA / f"{name}.npz")
    flow = build(about["family"], about["kwargs"], about["dtype"])
    flow.set_weights(weights)
    flow.update_spectral_norms()
    return flow, given, expected


def differences(name):
    """The largest relative difference of each output of a case from what was recorded."""
    flow, given, expected = rebuilt(name)
    found = outputs(flow, given)
    assert found.keys() == expected.keys()
    return {key: difference(found[key], expected[key]) for key in expected}


def main():
    """Prints the largest relative difference by family and type."""
    worst = {}
    with eagerly():
        for name, (family, _) in CASES.items():
            key, found = (family, dtype_of(name)), differences(name)
            output = max(found, key=found.get)
            worst[key] = max(worst.get(key, (-1.0,)), (found[output], name, output))
    print(f"{'family':<15}{'type':<9}{'difference':>11}  largest in")
    for (family, dtype), (value, name, output) in sorted(worst.items()):
        print(f"{family:<15}{dtype:<9}{value:>11.1e}  {output} of {name}")


if __name__ == "__main__":
    main()
