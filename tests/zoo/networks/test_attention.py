import keras
import numpy as np
import pytest

from tests import helpers
from tests.zoo import images
from zoo.networks import Transformer


def network(**settings):
    settings = {
        "width": 8,
        "blocks": 2,
        "heads": 2,
        "context_size": 3,
        "dtype": "float64",
    } | settings
    return helpers.randomize(Transformer(5, 2, **settings), seed=1, scale=1.0)


def test_a_causal_place_sees_the_tokens_before_it_alone():
    net, x, context = network(causal=True), images.normal(2, 5, 2), images.normal(2, 3)
    seen = np.asarray(net(x, context))
    assert seen.shape == (2, 5, 8)
    for i in range(5):
        other = x.copy()
        other[:, i] += 1.0
        moved = np.abs(net(other, context) - seen).max(axis=(0, 2))
        assert (moved[: i + 1] == 0).all() and (moved[i + 1 :] > 1e-6).all()


def test_without_causality_every_place_sees_all():
    net, x = network(), images.normal(1, 5, 2)
    other = x.copy()
    other[:, -1] += 1.0
    assert (np.abs(net(other) - net(x)).max(axis=(0, 2)) > 1e-6).all()


@pytest.mark.parametrize("with_context", [False, True])
def test_step_by_step_is_the_whole(with_context):
    net, x = network(causal=True), images.normal(2, 5, 2)
    context = images.normal(2, 3) if with_context else None
    before, cache = np.zeros((2, 2)), net.start(2)
    for i in range(5):
        seen, cache = net.step(keras.ops.convert_to_tensor(i), before, context, cache)
        np.testing.assert_allclose(seen, net(x, context)[:, i], rtol=0, atol=1e-12)
        before = x[:, i]


def test_attention_is_that_of_keras():
    """On the same queries, keys and values, with the same mask."""
    block = network(causal=True).blocks[0]
    h = images.normal(10, 8)
    attended = keras.ops.dot_product_attention(*block._split(h, -1, 5), is_causal=True)
    expected = block._rest(h, attended, lambda x: x)
    found = block(h, tokens=5, drop=lambda x: x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_heads_divide_the_width():
    assert [network(width=w, heads=None)._heads for w in (8, 96, 128)] == [1, 3, 4]
    with helpers.raises_one_line("width", "8", "3 heads"):
        network(heads=3)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_causality_in_half_precision(dtype):
    net, x = network(causal=True, dtype=dtype), images.normal(1, 5, 2).astype("float32")
    other = np.concatenate([x[:, :-1], 1.0 + x[:, -1:]], axis=1)
    seen = np.asarray(keras.ops.cast(net(x), "float32"))
    assert np.isfinite(seen).all() and np.abs(seen).max() > 0.1
    np.testing.assert_array_equal(keras.ops.cast(net(other), "float32"), seen)
    step, _ = net.step(keras.ops.convert_to_tensor(0), np.zeros((1, 2)), None, net.start(1))
    np.testing.assert_allclose(keras.ops.cast(step, "float32"), seen[:, 0], rtol=0, atol=0.05)
