import numpy as np
import pytest

import zoo
from tests import helpers
from tests.zoo import images
from zoo.networks.image_nets import image_net

KINDS = ("glow", "residual", "linear", "attention")


def network(kind, context=None, dtype="float64", randomly=True):
    net = image_net(kind, 3, 4, 5, 2, context, 0, dtype, (6, 4))
    return helpers.randomize(net, seed=1, scale=1.0) if randomly else net


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("context", [None, (2,), (6, 4, 2)])
def test_shape_and_context(kind, context):
    net, x = network(kind, context), images.normal(2, 6, 4, 3)
    given = None if context is None else images.normal(2, *context)
    y = net(x, given)
    assert tuple(y.shape) == (2, 6, 4, 4)
    if context is not None:
        assert np.abs(net(x, given + 1.0) - y).max() > 1e-3


@pytest.mark.parametrize("kind", ["glow", "residual"])
def test_attention_lets_every_pixel_see_all_others(kind):
    def moved(attention):
        net = image_net(kind, 3, 4, 6, 1, None, 0, "float64", (12, 10), attention)
        helpers.randomize(net, seed=1, scale=1.0)
        x = images.normal(1, 12, 10, 3)
        changed = x.copy()
        changed[0, 0, 0] += 1.0
        return np.abs(net(changed) - net(x))[0].max(axis=-1)

    # Rectifiers are zero here and there.
    assert (moved(0) > 0).mean() < 0.5 and (moved(2) > 0).mean() > 0.8


@pytest.mark.parametrize("kind", ["glow", "residual"])
def test_attention_tells_pixels_by_their_rows_and_columns(kind):
    net = image_net(kind, 3, 4, 6, 0, None, 0, "float64", (6, 4), 3)
    helpers.randomize(net, seed=1, scale=1.0)
    rng = np.random.default_rng(0)
    x, h = images.normal(2, 6, 4, 3), images.normal(1, 6, 4, 6)
    order = rng.permutation(24)
    shuffled = h.reshape(1, 24, 6)[:, order].reshape(h.shape)

    def attended(h):
        found = net.attention(h, hidden=lambda layer, x: layer(x))
        return np.asarray(found).reshape(24, 6)

    assert tuple(net(x).shape) == (2, 6, 4, 4)
    assert np.abs(attended(shuffled) - attended(h)[order]).max() > 1e-3
    for weight in (net.attention.rows, net.attention.columns):
        weight.assign(0.0 * weight)
    np.testing.assert_allclose(attended(shuffled), attended(h)[order], rtol=0, atol=1e-12)


def normalised(net, x, context=None):
    """The outputs of all normalised layers of a network."""
    outputs = []

    def hidden(layer, x, activation=None):
        outputs.append(layer(x).numpy())
        return outputs[-1] if activation is None else activation(outputs[-1])

    net._run(x, context, hidden)
    return outputs


@pytest.mark.parametrize(("kind", "count"), [("glow", 2), ("residual", 1 + 4 + 3)])
@pytest.mark.parametrize(("context", "attention"), [(None, 0), ((2,), 0), ((2,), 1)])
def test_adapt_standardizes_every_hidden_layer(kind, count, context, attention):
    net = image_net(kind, 3, 4, 5, 2, context, 0, "float64", (6, 4), attention)
    count += 2 * attention
    x = 1.0 + 2.0 * images.normal(20, 6, 4, 3)
    given = None if context is None else images.normal(20, *context)
    net.adapt(x, given)
    outputs = normalised(net, x, given)
    assert len(outputs) == count
    for y in outputs:
        np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-8)
        np.testing.assert_allclose(y.var(axis=(0, 1, 2)), 1, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_fresh_output_is_zero_or_small(kind):
    net, x = network(kind, randomly=False), images.normal(8, 6, 4, 3)
    net.adapt(x)
    y = np.abs(net(x))
    assert y.max() == 0 if kind != "residual" else 1e-3 < y.mean() < 0.5


def test_residual_network_uses_its_skips():
    net, x = network("residual"), images.normal(2, 6, 4, 3)
    y = net(x)
    for skip in net.skips:
        skip.shift.assign(skip.shift + 1.0)
        assert np.abs(net(x) - y).max() > 1e-3


def test_networks_have_the_sizes_of_the_papers():
    glow = image_net("glow", 6, 12, 512, 0, None, 0, "float32")
    norms, outputs = 2 * 2 * 512, 2 * 12
    assert glow.count_params() == 9 * 6 * 512 + 512**2 + 9 * 512 * 12 + norms + outputs
    residual = image_net("residual", 3, 6, 32, 4, None, 0, "float32")
    convolutions = 9 * 3 * 32 + 8 * 9 * 32**2 + 5 * 32**2 + 32 * 6
    assert residual.count_params() == convolutions + 2 * (32 * (1 + 8 + 5) + 6)


def test_bad_kind_is_refused():
    with helpers.raises_one_line("network", "'glow'", "'dense'"):
        image_net("dense", 1, 1, 1, 1, None, 0, None)


@pytest.mark.parametrize(
    ("kind", "attention", "words"),
    [
        ("glow", 2, ["attention", "divide", "width=5", "2"]),
        ("residual", -1, ["attention", "at least 0", "-1"]),
        ("linear", 1, ["attention", "network='linear'", "1"]),
    ],
)
def test_bad_attention_is_refused(kind, attention, words):
    with helpers.raises_one_line(*words):
        image_net(kind, 1, 1, 5, 1, None, 0, None, (2, 2), attention)


def test_exported_by_the_package():
    assert zoo.networks.ConvNet and zoo.networks.ResidualNet and zoo.networks.LinearConvNet
