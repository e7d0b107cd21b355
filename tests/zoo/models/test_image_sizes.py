"""The image families in the papers' proportions."""

import numpy as np
import pytest

import zoo


def test_widths_double_and_scales_have_the_papers_couplings():
    flow = zoo.RealNVP((8, 8, 1), levels=256, scales=3, width=4, blocks=1, seed=0)
    boards = [f"checkerboard_{p}" for p in ("even", "odd", "even", "odd")]
    halves = ["first_half", "second_half", "first_half"]
    expected = [
        [((8, 8, 1), m, 4) for m in boards[:3]] + [((4, 4, 4), m, 8) for m in halves],
        [((4, 4, 2), m, 8) for m in boards[:3]] + [((2, 2, 8), m, 16) for m in halves],
        [((2, 2, 4), m, 16) for m in boards],
    ]
    for stack, wanted in zip(flow.stack.layers[-1].scales, expected, strict=True):
        couplings = [c for c in stack.layers if isinstance(c, zoo.layers.ConvCoupling)]
        assert [(c.event_shape, c.mask_name, c.network.first.filters) for c in couplings] == wanted


@pytest.mark.slow
def test_glow_of_the_papers_size():
    """L = 3, K = 32, 512 channels on 32x32x3 images: its size, and a round trip in float32."""
    flow = zoo.Glow((32, 32, 3), coupling="affine", seed=0)
    # 43 745 280 in the convolutions of the couplings, 9 (c/2 + c) 512 + 512^2 at c = 12, 24, 48,
    # and less than 1 % in everything else; the reference has about 44 M.
    assert 43_745_280 < flow.count_params() < 1.01 * 43_745_280
    generator = np.random.default_rng(0)
    for variable in flow.trainable_variables:
        shape = tuple(variable.shape)
        if len(shape) == 4:
            deviation = 0.12 / np.sqrt(np.prod(shape[:-1]))
            variable.assign(generator.normal(0.0, deviation, shape))
        else:  # Around where it starts: 96 random rotations stay well-conditioned, others do not.
            variable.assign(variable.numpy() + generator.normal(0.0, 0.012, shape))
    x = generator.normal(size=(1, 32, 32, 3)).astype("float32")
    flow.adapt(x)
    error = np.abs(flow.decode(flow.encode(x)) - x).max()
    print(f"{flow.count_params():,} parameters; round trip within {error:.2e}")
    assert error <= 1e-3
