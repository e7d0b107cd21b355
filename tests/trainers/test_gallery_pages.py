"""What the gallery's pages say of its cells."""

import numpy as np

from trainers import gallery_pages

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
    assert gallery_pages.checks(cells).endswith(f"{np.nan}.")


def test_a_constant_that_did_not_converge_is_not_taken_for_a_flow_without():
    def told(lipschitz):
        return list(gallery_pages._iterations(CELL | {"lipschitz": lipschitz, "evaluations": None}))

    assert told({"largest": None})[1] == "not converged"
    assert told({"largest": 0.5})[1] == "0.5000" and told(None)[1] == "–"
