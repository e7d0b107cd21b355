"""Records the numbers of `tests.net`, once: `python -m tests.record_net [NAME ...]`.

It ran on the code before the library was rearranged; recording anew proves nothing of it.
"""

import sys

import numpy as np
from keras import ops

import zoo
from tests import net


def perturb(flow, seed):
    """Adds noise to every trainable weight; a fresh flow is an identity and proves nothing."""
    draw = np.random.default_rng(seed)
    for variable in flow.trainable_variables:
        shape = tuple(variable.shape)
        deviation = 0.5 / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.25
        value = ops.convert_to_numpy(variable) + draw.normal(0.0, deviation, shape)
        value = np.round(value * 1024) / 1024  # Few digits make small files.
        value = ops.convert_to_tensor(value, variable.dtype)
        variable.assign(value if variable.constraint is None else variable.constraint(value))
    net.update_spectral_norms(flow)


def record_entries():
    """Records what the shipped flows give for four events each."""
    arrays = {}
    for name in net.ENTRIES:
        flow = zoo.load(net.ROOT / "exported_models" / name)
        context = np.arange(4, dtype="int32") if flow.num_classes else None
        x = np.asarray(flow.sample(4, context, seed=7))
        if flow.levels is not None:
            x = np.clip(np.floor(x), 0, flow.levels - 1).astype("uint8")
        given = {"x": x} if context is None else {"x": x, "context": context}
        found = net.entry_outputs(flow, given)
        arrays |= {f"{name}/{key}": value for key, value in (given | found).items()}
        print(name, found["log_prob"], flush=True)
    np.savez_compressed(net.DATA / "entries.npz", **arrays)


def main(names):
    """Records the cases of these names; all of them, and the entries, without names."""
    if not names or "entries" in names:
        record_entries()
    with net.eagerly():
        for seed, (name, (family, kwargs)) in enumerate(net.CASES.items()):
            if names and name not in names:
                continue
            dtype = net.dtype_of(name)
            flow = net.build(family, kwargs, dtype)
            perturb(flow, seed)
            about = {"family": family, "kwargs": kwargs, "dtype": dtype}
            # Paths tell which weight is which, should their order have to change.
            about["paths"] = [w.path.partition("/")[2] for w in flow.weights]
            given = net.inputs(flow, seed)
            found = net.outputs(flow, given)
            assert all(np.isfinite(value).all() for value in found.values()), name
            weights = flow.get_weights()
            net.write(net.DATA / f"{name}.npz", about, weights, given, found)
            spread = {key: f"{np.abs(value).max():.3g}" for key, value in found.items()}
            print(name, sum(w.size for w in weights), spread, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
