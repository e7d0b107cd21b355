"""T7: loss curves."""

import types

import numpy as np
import pytest

from benchmarks import driver, losses


def test_the_modes_are_compared_and_drawn(monkeypatch, tmp_path):
    def answer(mode):
        if mode == "checkpoint":
            return {"error": "unknown argument"}
        late = 1.0 + 1e-3 * (mode == "inverse")
        return {"losses": [2.0, 1.0 + 1e-5 * (mode == "inverse"), 1.0, 1.0, 1.0, late]}

    monkeypatch.setattr(driver, "child", lambda module, arguments, threads: answer(*arguments))
    lines = []
    options = types.SimpleNamespace(threads=1, pictures=str(tmp_path / "pictures"))
    found = losses.run(options, lines.append)
    assert list(found) == ["none", "inverse"]
    assert "losses recompute=checkpoint: left out, unknown argument" in lines
    assert lines[-1].endswith(
        "inverse: 2.0 to 1.0 nats, 1.0e-05 from none at most at the start, 1.0e-03 in all"
    )
    assert losses.apart(found, "inverse", points=1) == 0
    assert (tmp_path / "pictures" / "losses.png").stat().st_size > 1000


def test_patches_are_pieces_of_photographs():
    found = losses.patches(5, size=8)
    assert found.shape == (5, 8, 8, 3) and found.dtype == np.uint8
    np.testing.assert_array_equal(found, losses.patches(5, size=8))
    assert len(np.unique(found, axis=0)) == 5


@pytest.mark.slow
def test_rebuilt_activations_train_alike():
    tiny = {"points": 3, "between": 4, "examples": 256, "size": 8}
    sizes = {"scales": 1, "width": 8}
    kept, rebuilt = (losses.measure(m, **tiny, **sizes)["losses"] for m in ("none", "inverse"))
    np.testing.assert_allclose(kept, rebuilt, rtol=1e-3)
    assert kept[-1] < kept[0]
