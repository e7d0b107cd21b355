"""T8: waiting for input."""

from benchmarks import waiting


def test_waiting_is_a_share_of_the_step(tmp_path):
    found = waiting.measure(1, tmp_path, steps=3, num_layers=1, hidden_units=(8,))
    assert 0 <= found["share"] < 1
    assert found["share"] == max(0.0, 1 - found["memory_ms"] / found["pipeline_ms"])
    assert found["batch_ms"] > 0
