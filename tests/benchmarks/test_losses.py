"""Loss curves."""

import types

import numpy as np
import pytest

from benchmarks import losses
from tests.benchmarks import fakes


def test_the_modes_are_compared_and_drawn(monkeypatch, tmp_path):
    def answer(mode):
        if mode == "checkpoint":
            return {"error": "unknown argument"}
        late = 1.0 + 1e-3 * (mode == "inverse")
        return {"losses": [2.0, 1.0 + 1e-5 * (mode == "inverse"), 1.0, 1.0, 1.0, late]}

    fakes.answers(monkeypatch, answer)
    lines = []
    found = losses.run(types.SimpleNamespace(threads=1, pictures=str(tmp_path)), lines.append)
    assert list(found) == ["none", "inverse"]
    assert "losses checkpoint: left out, unknown argument" in lines
    text = losses.section(found)
    assert "first 50 steps | all 60 |" in text and "| `none` | 2 | 1 | - | - |" in text
    assert "| `inverse` | 2 | 1 | 1.0e-05 | 1.0e-03 |" in text
    assert (tmp_path / "losses.png").stat().st_size > 1000


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
