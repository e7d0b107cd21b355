"""A few cases of each kind, and the rule by which they are judged."""

import os
import tempfile

import numpy as np
import pytest

from tests.fuzz import oracle, runner
from zoo import config


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "TMPDIR"):  # Set by the script, and put back at the end.
            patch.setenv(name, os.environ.get(name, ""))
        before = tempfile.tempdir
        said = []
        found = runner.Fuzz(tmp_path_factory.mktemp("fuzz").resolve(), seed=7, say=said.append)
        found.said = said
        yield found
        tempfile.tempdir = before


def run(fuzz, kind, count):
    fuzz.said.clear()
    assert fuzz.run(kind, count) == 0, "\n".join(fuzz.said)
    assert fuzz.said[-1].startswith(f"{kind}: ")


@pytest.mark.parametrize(("kind", "count"), [("calls", 25), ("files", 25)])
def test_no_case_is_a_fault(fuzz, kind, count):
    run(fuzz, kind, count)


@pytest.mark.slow
@pytest.mark.parametrize("kind", runner.KINDS)
def test_none_of_three_hundred_is(fuzz, kind):
    run(fuzz, kind, 300)


# The rule. Each of these is a fault, and has to be told as one.


def _ours(value):
    config.count("n", value)


def _internal():
    return len(3)


def _of_another_kind():
    raise KeyError("n")


def _of_numpy():
    np.zeros(3).reshape(2)


def _of_a_test():
    raise ValueError("no line of the library")


def test_an_error_of_ours_is_a_refusal(fuzz):
    folder = fuzz.root / "cases"
    assert oracle.judged(lambda: _ours(-1), folder, fuzz.watch) == (False, None)
    assert oracle.judged(lambda: _ours(1), folder, fuzz.watch) == (True, None)


@pytest.mark.parametrize("case", [_internal, _of_another_kind, _of_numpy, _of_a_test])
def test_other_errors_are_stack_traces(fuzz, case):
    accepted, fault = oracle.judged(case, fuzz.root / "cases", fuzz.watch)
    assert not accepted and fault.kind == "trace"


def test_long_messages_and_many_lines_are_faults():
    for text in ("", "a\nb", "a" * (oracle.MOST + 1)):
        assert oracle.trace(ValueError(text)) is not None


def test_what_is_not_finite_or_of_another_shape_is_nonsense(fuzz):
    for case in (
        lambda: oracle.finite([float("nan")], (1,), "x"),
        lambda: oracle.finite([1.0], (2,), "x"),
        lambda: oracle.require(False, "x"),
    ):
        _, fault = oracle.judged(case, fuzz.root / "cases", fuzz.watch)
        assert fault.kind == "nonsense"


def test_files_elsewhere_are_seen(fuzz):
    folder = fuzz.root / "cases" / "own"
    folder.mkdir()
    elsewhere = fuzz.root / "home" / "x"
    for case, expected in (
        (lambda: (folder / "x").write_text("x"), False),
        (lambda: elsewhere.write_text("x"), True),
        (lambda: os.remove(elsewhere), True),
        (lambda: (fuzz.root / "home" / "y").mkdir(), True),
    ):
        _, fault = oracle.judged(case, folder, fuzz.watch)
        assert (fault is not None and fault.kind == "outside") == expected


def test_a_case_that_does_not_end_is_a_fault(fuzz, monkeypatch):
    monkeypatch.setattr(oracle, "SECONDS", 1)

    def case():
        while True:
            pass

    _, fault = oracle.judged(case, fuzz.root / "cases", fuzz.watch)
    assert fault.kind == "trace" and "no end" in fault.text


def test_a_seed_gives_the_same_cases(fuzz):
    fuzz.prepare("calls")
    first, again = (fuzz.case("calls", 3)[0] for _ in range(2))
    assert first == again != fuzz.case("calls", 4)[0]
