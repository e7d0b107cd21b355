"""Constructors of families and layers with odd arguments."""

import numpy as np

import zoo
from tests.fuzz.arguments import NAN
from tests.fuzz.oracle import finite, require

COUNTS = [0, -1, 1.5, "3", NAN, True, [], np.inf, 1j]
ODD = {
    "event_shape": [(), (0,), (-1,), "ab", None, 3.5, (2.5,), (NAN,), {}, (True,), (2**40, -1)],
    "context_shape": [(), (0,), (-1,), "a", 3.5, (2.5,), {}, (None,)],
    "num_classes": COUNTS,
    "levels": [*COUNTS, 1],
    "base": ["x", 5, [], {}, True, float, NAN],
    "dequantization": ["x", 5, [], {}, None],
    "jit_compile": ["x", 5, [], None, NAN],
    "recompute": ["x", 5, [], {}, True],
    "seed": [-1, 1.5, "a", NAN, True, [1], 2**31, 2**32 + 1, {}],
    "dtype": ["int32", "x", 5, [], "complex64", "string", bool],
    "name": [5, [], {}, "a/b", True],
    "num_layers": COUNTS,
    "hidden_units": [(0,), (-1,), "a", 8.5, (8.5,), (NAN,), {}, ("8",), (True,), [[8]], None],
    "activation": ["x", 5, [], {}, NAN],
    "transformer": ["x", 5, [], {}, NAN, "additive "],
    "order": ["x", 5, [9], [0, 0, 0], {}, NAN, [NAN, 1, 2], (0.5, 1, 2)],
    "preprocessing": ["x", 5, [], {}],
    "alpha": [0, 0.5, -1, NAN, "a", [], np.inf, 1j],
    "residual": ["x", 5, [], NAN],
    "num_bins": COUNTS,
    "permutation": ["x", 5, [], {}, NAN],
    "scales": COUNTS, "steps": COUNTS, "width": COUNTS, "blocks": [-1, 1.5, "3", NAN, [], 1j],
    "coefficient": [0, 1, -1, NAN, "a", [], 1j], "log_det": ["x", 5, [], {}],
    "coupling": ["x", 5, [], {}], "conv": ["x", 5, [], {}], "components": COUNTS,
    "solver": ["x", 5, []], "num_steps": COUNTS, "rtol": [-1, NAN, "a", []],
    "atol": [-1, NAN, "a", []], "margin": [NAN, "a", -1], "bound": [0, -1, NAN, "a", []],
    "kind": ["x", 5, [], {}], "fast": ["x", 5, [], {}, True], "mask": ["x", 5, [], {}],
    "nonsense": [1],
}  # fmt: skip
LAYERS = "ActNorm Permutation Reverse LULinear Elementwise Coupling Autoregressive Logit Planar"


def draw(random):
    if random.random() < 0.7:
        name = random.choice(sorted(zoo.MODELS))
        cls, base = zoo.MODELS[name], {"event_shape": (3,), "jit_compile": False, "seed": 0}
        if name in ("glow",):
            base |= {"event_shape": (2, 2, 1), "scales": 1, "steps": 1, "width": 4}
    else:
        cls, base = getattr(zoo.layers, random.choice(LAYERS.split())), {"event_shape": (3,)}
    takes = set(cls.__signature__.parameters)
    for argument, value in (("num_layers", 1), ("hidden_units", (4,))):
        if argument in takes:
            base[argument] = value
    known = sorted((takes | {"nonsense"}) & set(ODD) - {"layers"})
    values = {
        name: random.choice(ODD[name]) for name in random.sample(known, random.choice([1, 1, 2]))
    }
    given = base | values

    def case():
        made = cls(**given)
        fine = {
            key
            for key, value in values.items()
            if value is None and cls.__signature__.parameters[key].default is None
        }
        require(fine == set(values), "an argument was taken that is excluded")
        if isinstance(made, zoo.Flow):
            finite(made.sample(2, seed=0), (2, *made.event_shape), "sample")

    return f"{cls.__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})", case
