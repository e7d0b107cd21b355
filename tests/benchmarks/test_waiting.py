"""T8: waiting for input."""

from benchmarks import waiting


def test_waiting_is_a_share_of_the_step(eagerly):
    found = waiting.measure(1, steps=3, num_layers=1, hidden_units=(8,))
    assert 0 <= found["share"] < 1
    assert found["share"] == max(0.0, 1 - found["memory_ms"] / found["pipeline_ms"])
    assert found["batch_ms"] > 0
    assert waiting.section(found).splitlines()[-1].startswith(f"| {found['share']:.1%} | ")
