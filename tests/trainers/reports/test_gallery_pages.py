"""What the gallery's pages say of its cells."""

from trainers.reports import gallery_pages

CELL = {"integral": 1.0, "p_value": 0.5, "round_trip": 1e-6, "lipschitz": None}


def test_the_worst_of_all_cells_is_told():
    branches = {"lipschitz": {"largest": 0.98765}, "round_trip": 3e-5}
    text = gallery_pages.checks([CELL | {"integral": 0.996, "p_value": 0.004}, CELL, CELL])
    assert "Over all 3 cells the density integrates to 1 within 4.0e-03" in text
    assert "against their density is 0.004 (1 below 0.01)" in text
    assert text.endswith("is 1.0e-06 in the middle and 1.0e-06 at most.")
    text = gallery_pages.checks([CELL, CELL, CELL | branches])
    assert "1.0e-06 in the middle and 3.0e-05 at most; no residual branch" in text
    assert text.endswith("0.9877.")


def test_what_is_not_finite_is_told_as_such():
    # Records have null for it.
    text = gallery_pages.checks([CELL | {"round_trip": None, "integral": None, "p_value": None}])
    assert "within inf" in text and "is 0 (1" in text and "inf at most" in text
    cells = [CELL | {"lipschitz": {"largest": largest}} for largest in (0.5, None)]
    text = gallery_pages.checks(cells)
    assert text.endswith(
        "in 1 of 2 cells with residual branches the power iteration for their "
        "Lipschitz constants did not converge."
    )


NOTHING = {"mean": None, "error": None}
WHOLE = CELL | {
    "kl": {"mean": 0.5, "error": 0.01},
    "nats": {"mean": -2.5, "error": 0.02},
    "parameters": 1234,
    "epochs": 7,
    "training_seconds": 60.0,
    "log_prob_ms": 1.0,
    "sample_ms": 2.0,
    "evaluations": None,
}
INFINITE = WHOLE | {"kl": NOTHING, "nats": NOTHING, "integral": None, "p_value": None}


def _table(found):
    """The KL table of two families on one toy."""
    families = [("maf", "MAF"), ("nsf", "NSF")]
    return gallery_pages.kl_table(
        families, ["rings"], lambda family, toy: found[family], {"rings": 2.0}
    )


def test_a_cell_of_infinite_divergence_has_its_line_and_its_row():
    assert gallery_pages.line(INFINITE).startswith("KL ∞, integral not finite, p not finite, 60 s")
    table = gallery_pages.full_table(
        [("maf", "MAF")], ["rings"], lambda family, toy: (INFINITE, None)
    )
    assert "| MAF | rings | -∞ | ∞ | not finite | not finite | 1,234 | 7 |" in table


def test_the_best_of_a_toy_is_told_once_it_is_done():
    other = WHOLE | {"kl": {"mean": 0.7, "error": 0.01}}
    table = _table({"maf": (WHOLE, None), "nsf": (other, None)})
    assert "**0.5000 ± 0.0100**" in table and "**0.7" not in table
    assert "**" not in _table({"maf": (WHOLE, None), "nsf": None})
    assert "**" not in _table({"maf": (INFINITE, None), "nsf": None})
    assert "**" not in _table({"maf": (INFINITE, None), "nsf": (INFINITE, None)})
    # One that failed is done.
    assert "**0.5000" in _table({"maf": (WHOLE, None), "nsf": "it failed"})


def test_a_constant_that_did_not_converge_is_not_taken_for_a_flow_without():
    def told(lipschitz):
        return list(gallery_pages._iterations(CELL | {"lipschitz": lipschitz, "evaluations": None}))

    assert told({"largest": None})[1] == "not converged"
    assert told({"largest": 0.5})[1] == "0.5000" and told(None)[1] == "–"


def test_cells_that_were_timed_alone_are_counted():
    alone = WHOLE | {"timed_alone": True}
    assert gallery_pages._timing([alone, alone]).startswith("Calls were timed afterwards")
    assert gallery_pages._timing([alone, WHOLE]).endswith(
        "calls of 1 were timed afterwards, one by one."
    )
    assert gallery_pages._timing([WHOLE]).endswith("several at a time.")
