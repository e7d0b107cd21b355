"""Networks under any leading shape of event and context."""

import numpy as np
import pytest

from tests import helpers
from zoo.networks import MLP
from zoo.networks.conditioner import check_hidden_units, get_activation, seed_stream
from zoo.numerics import broadcast_lead, condition


@pytest.mark.parametrize(
    ("event", "context", "lead"),
    [
        ((), (), ()),
        ((4,), (4,), (4,)),
        ((4,), (), (4,)),
        ((), (4,), (4,)),
        ((1,), (4,), (4,)),
        ((5, 1), (4,), (5, 4)),
        ((3, 5, 4), (4,), (3, 5, 4)),
        ((3, 1, 4), (2, 1), (3, 2, 4)),
    ],
)
def test_leading_shapes_broadcast(event, context, lead):
    network = helpers.randomize(MLP(3, (2, 5), (4,), context_size=2, dtype="float64"))
    generator = np.random.default_rng(0)
    x, given = generator.normal(size=(*event, 3)), generator.normal(size=(*context, 2))
    out = condition(network, (3,), (2,), "float64")(x, given)
    assert out.shape == (*lead, 2, 5)
    rows = np.broadcast_to(x, (*lead, 3)).reshape(-1, 3)
    contexts = np.broadcast_to(given, (*lead, 2)).reshape(-1, 2)
    np.testing.assert_allclose(
        np.reshape(out, (-1, 2, 5)), network(rows, contexts), rtol=0, atol=1e-12
    )


def test_broadcast_lead_leaves_equal_shapes_alone():
    x, context = np.ones((4, 3)), np.ones((4, 2))
    assert broadcast_lead(x, 1, context, 1) == (x, context) or all(
        a is b for a, b in zip(broadcast_lead(x, 1, context, 1), (x, context), strict=True)
    )


def test_the_result_has_the_type_asked_for():
    network = MLP(3, (2,), (4,), dtype="mixed_bfloat16")
    assert condition(network, (3,), None, "float32")(np.ones((4, 3))).dtype == "float32"


def test_check_hidden_units():
    assert check_hidden_units([4, 5]) == (4, 5)
    assert check_hidden_units(7) == (7,)
    assert check_hidden_units(()) == ()


@pytest.mark.parametrize("name", ["rleu", 3.5])
def test_unknown_activation(name):
    with helpers.raises_one_line("activation", "relu", repr(name)):
        get_activation(name)


def test_seed_stream():
    numbers = seed_stream(5)
    assert [next(numbers) for _ in range(3)] == [5, 6, 7]
    nothing = seed_stream(None)
    assert [next(nothing) for _ in range(3)] == [None] * 3
