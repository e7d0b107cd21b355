"""Medians, ratios and tables."""

import pytest

from benchmarks import report


def entries(**medians):
    return {name: report.summary([ms / 1e3]) | {"parameters": 10} for name, ms in medians.items()}


def test_summary_has_median_and_quartiles():
    assert report.summary([0.001, 0.005, 0.002, 0.004, 0.003]) == pytest.approx(
        {"median_ms": 3.0, "low_ms": 2.0, "high_ms": 4.0, "rounds": 5}
    )


def test_ratios_are_to_the_fastest_peer_and_to_the_limit():
    found = entries(zoo=3.0, slow=12.0, fast=6.0, hand=1.0)
    assert report.compare(found, ["slow", "fast"], limit_ms=1.5) == "fast"
    assert [found[n]["to_best_peer"] for n in found] == pytest.approx([0.5, 2.0, 1.0, 1 / 6])
    assert found["zoo"]["to_limit"] == pytest.approx(2.0)


def test_without_peers_there_is_no_ratio_to_one():
    found = entries(zoo=3.0)
    assert report.compare(found, [], limit_ms=1.0) is None
    assert found["zoo"]["to_best_peer"] is None
    assert " - " in report.operation_table(found)


def test_tables_are_aligned():
    text = report.table(("name", "value"), [["a", "1"], ["longer", "1000"]])
    assert text.splitlines() == [
        "name    value",
        "------  -----",
        "a           1",
        "longer   1000",
    ]


def test_table_of_an_operation_has_the_fastest_first_and_ratios_before_times():
    found = entries(zoo=3.0, fast=2.0)
    report.compare(found, ["fast"], limit_ms=1.0)
    lines = report.operation_table(found).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["fast", "zoo"]
    assert lines[3].split() == ["zoo", "1.500", "3.00", "3.00", "3.00..3.00", "1", "10"]


def test_verdicts_compare_with_the_aims():
    results = {"T1": {}}
    for operation, ms in (("train", 1.0), ("sample", 3.0)):
        found = entries(zoo=ms, peer=2.0)
        best = report.compare(found, ["peer"], limit_ms=1.0)
        results["T1"][operation] = {"entries": found, "best_peer": best}
    text = report.verdicts(results, "zoo", {"T1": {"train": 0.8, "sample": 1.0}})
    lines = [line.split() for line in text.splitlines()[2:]]
    assert lines[0] == ["T1", "train", "0.500", "0.80", "met", "peer", "1.00"]
    assert lines[1][2:5] == ["1.500", "1.00", "missed"]


def test_verdicts_without_ours_are_empty():
    assert report.verdicts({"T1": {"train": {"entries": {}}}}, "zoo", {}) == ""
