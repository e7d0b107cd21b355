"""MADE: what each output may see, and what it must see."""

import numpy as np
import pytest

from tests import helpers
from zoo.networks import MADE

CASES = {
    "no_hidden": {"hidden_units": ()},
    "one_hidden": {"hidden_units": (16,)},
    "two_hidden": {"hidden_units": (16, 12)},
    "three_hidden": {"hidden_units": (16, 16, 16)},
    "residual": {"hidden_units": (16,) * 5, "residual": True},
    "narrow": {"hidden_units": (3, 2)},
    "context": {"hidden_units": (16, 12), "context_size": 2},
    "narrow_context": {"hidden_units": (3,), "context_size": 2},
    "residual_context": {"hidden_units": (16,) * 3, "residual": True, "context_size": 2},
}


def made_of(case, size=6, num_params=3):
    # A tangent has no flat half: what an output may see, it does see.
    settings = {"activation": "tanh", "seed": 0} | CASES[case]
    return helpers.randomize(MADE(size, num_params, dtype="float64", **settings), scale=1.0)


def inputs(network, n=2, size=6):
    generator = np.random.default_rng(0)
    context = generator.normal(size=(n, 2)) if network.context_kernel is not None else None
    return generator.normal(size=(n, size)), context


@pytest.mark.parametrize("case", CASES)
def test_jacobian_has_exact_zeros(case):
    network = made_of(case)
    x, context = inputs(network)
    for param in range(network.num_params):
        matrices = helpers.jacobian(
            lambda rows, copies, param=param: network(rows, helpers.repeated(context, copies))[
                ..., param
            ],
            x,
        )
        sees = matrices != 0
        assert not sees[(slice(None), *np.triu_indices(6))].any()
        if "narrow" not in case:
            assert sees[(slice(None), *np.tril_indices(6, -1))].all()


@pytest.mark.parametrize("case", [c for c in CASES if "context" in c])
def test_every_output_depends_on_the_context(case):
    network = made_of(case)
    x, context = inputs(network)
    change = network(x, context).numpy() - network(x, context + 0.5).numpy()
    assert (np.abs(change).max(axis=(0, 2)) > 1e-6).all()


def test_narrow_layers_still_let_the_last_output_see_the_first_input():
    network = made_of("narrow")
    x, _ = inputs(network)
    matrices = helpers.jacobian(lambda rows, copies: network(rows)[..., 0], x)
    assert (matrices[:, -1, 0] != 0).all()


def test_starts_at_zero_and_the_seed_decides_the_rest():
    x = np.ones((2, 4), "float32")
    first, second, other = (MADE(4, 2, (8,), seed=seed) for seed in (0, 0, 1))
    assert not first(x).numpy().any()
    same = [np.array_equal(a, b) for a, b in zip(first.weights, second.weights, strict=True)]
    assert all(same)
    assert not np.array_equal(first.weights[0], other.weights[0])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden_units": (8, 8), "residual": True}, ["residual", "odd number", "(8, 8)"]),
        ({"hidden_units": (8, 9, 8), "residual": True}, ["residual", "one width", "(8, 9, 8)"]),
        ({"hidden_units": (), "context_size": 2}, ["context", "hidden_units is empty"]),
        ({"hidden_units": (0,)}, ["hidden_units", "positive integers", "(0,)"]),
    ],
)
def test_refuses(settings, words):
    with helpers.raises_one_line(*words):
        MADE(4, 2, **settings)
