"""The gallery: cells made once, gaps where one failed, and a page of what there is."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from trainers import gallery
from trainers.reports import cells, gallery_pages
from trainers.runs import flagfiles, training

from .conftest import PLAIN

TINY = ("--hidden_units=8", "--num_layers=2", "--batch_size=100", "--jit=false", PLAIN)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(cells, "recipe", lambda family: [f"--model={family}", *TINY])


def options(*argv):
    return flagfiles.new_options(gallery.define_flags, argv)


def flags(folder, prepared):
    argv = [f"--output={folder / 'gallery'}", "--families=maf,glow", "--toys=two_moons"]
    return [*argv, f"--data_dir={prepared}", "--steps=20", "--points=2000", "--jobs=0"]


@pytest.fixture(scope="module")
def first(prepared, tmp_path_factory):
    """The folder of a gallery: one cell that is made, one that cannot be."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "recipe", lambda family: [f"--model={family}", *TINY])
        assert gallery.main(options(*flags(folder, prepared))) == 1
    return folder


@pytest.fixture
def made(tiny, first, prepared, tmp_path):
    """A copy of that gallery to do with as one likes, and its flags."""
    shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    return tmp_path / "gallery", flags(tmp_path, prepared)


def test_a_cell_a_failure_and_their_pages(made, capsys, monkeypatch):
    folder, argv = made
    record = json.loads((folder / "gallery.json").read_text())
    (figures,) = record["cells"]
    assert (figures["family"], figures["class"], figures["toy"]) == ("maf", "MAF", "two_moons")
    assert abs(figures["integral"] - 1) < 0.01 and figures["p_value"] > 1e-3
    kl, nats = figures["kl"]["mean"], figures["nats"]["mean"]
    error = figures["kl"]["error"] + figures["nats"]["error"]
    assert kl == pytest.approx(-record["entropy"]["two_moons"] - nats, abs=2 * error)
    assert figures["sample_ms"] > 0 and figures["log_prob_ms"] > 0 and figures["parameters"] > 0
    assert 0 < figures["round_trip"] < 1e-3 and figures["lipschitz"] is None
    page = (folder / "README.md").read_text()
    assert f"| {figures['round_trip']:.1e} | – | – |" in page
    assert "over 2,000 points" in page and "Over all 1 cells" in page
    assert f"| **{kl:.4f} ± " in page and "| Glow | two moons | failed: " in page
    assert (folder / "cells/glow-two_moons/failure.txt").read_text() in page.replace(" |", "\n|")
    section = gallery_pages.section(folder, folder.parent / "page.md")
    assert "(gallery/gallery.png)" in section and f"{kl:.4f}" in section
    sizes = {Image.open(folder / f"{name}.png").size for name in ("gallery", "samples", "grids")}
    assert len(sizes) == 1

    # A second time nothing is trained again; what failed is tried, and the page is the same.
    trained = []
    monkeypatch.setattr(training, "train", lambda flags: trained.append(flags.model) or {})
    capsys.readouterr()
    assert gallery.main(options(*argv)) == 1
    out = capsys.readouterr().out
    assert trained == ["glow"] and "1 of 2 cells are there already" in out
    assert "[1/1] glow on two_moons: FAILED: " in out
    assert f"| **{kl:.4f} ± " in (folder / "README.md").read_text()


def test_times_can_be_taken_anew(made, monkeypatch, capsys):
    folder, argv = made
    assert "while the cells were made, which" in (folder / "README.md").read_text()
    monkeypatch.setattr(cells, "_milliseconds", lambda call: np.asarray(call()).size and 12.25)
    assert gallery.main(options(*argv, "--retime")) == 1
    (figures,) = json.loads((folder / "gallery.json").read_text())["cells"]
    assert figures["log_prob_ms"] == figures["sample_ms"] == 12.25
    assert figures["points"] == 2000 and figures["timed_alone"]
    assert "maf on two_moons: timed anew" in capsys.readouterr().out
    page = (folder / "README.md").read_text()
    assert "| 12.25 | 12.25 |" in page and "one flow after another" in page


def test_times_of_a_cell_whose_weights_were_not_kept_stay_and_are_told(made, capsys):
    folder, argv = made
    shutil.rmtree(folder / "cells/maf-two_moons/run")
    argv = [*argv, "--families=maf"]
    before = (folder / "cells/maf-two_moons/figures.json").read_text()
    assert gallery.main(options(*argv)) == 0
    assert gallery.main(options(*argv, "--retime")) == 1
    assert "maf on two_moons: NOT timed anew, " in capsys.readouterr().out
    assert (folder / "cells/maf-two_moons/figures.json").read_text() == before


@pytest.mark.parametrize("size", [None, 1000])
def test_a_cell_whose_arrays_cannot_be_read_is_not_made(made, size):
    folder, argv = made
    args = options(*argv)
    cell = cells.Cell(folder / "cells", "maf", "two_moons", args.steps, args.data_dir, args.points)
    path = folder / "cells/maf-two_moons/drawn.npz"
    assert cell.figures() is not None
    path.write_bytes(path.read_bytes()[:size]) if size else path.unlink()
    assert cell.figures() is None


def test_arrays_of_a_cell(made):
    folder, argv = made
    args = options(*argv)
    cell = cells.Cell(folder / "cells", "maf", "two_moons", args.steps, args.data_dir, args.points)
    arrays = cell.arrays()
    side = 2 * cells.WINDOW / cells.RESOLUTION
    assert arrays["density"].sum() * side**2 == pytest.approx(1, abs=0.03)
    # Rows of the picture are the second coordinate, from bottom to top.
    x = arrays["samples"]
    assert x.shape == (cells.SHOWN, 2)
    edges = np.linspace(-cells.WINDOW, cells.WINDOW, 17)
    counts = np.histogram2d(x[:, 1], x[:, 0], edges)[0] / len(x)
    masses = arrays["density"].reshape(16, 16, 16, 16).sum(axis=(1, 3)) * side**2
    right, turned = (np.abs(counts - m).sum() for m in (masses, masses.T))
    # About 0.14 is chance.
    assert right < 0.2 < 0.4 < turned
    grid = arrays["grid"]
    assert grid.shape == (2, cells.LINES, 200, 2) and np.isfinite(grid).all()
    # Both bundles run through the same crossings, at their ends among others.
    np.testing.assert_allclose(grid[0, 0, 0], grid[1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(grid[0, -1, -1], grid[1, -1, -1], atol=1e-5)
    # Other flags are another cell; where and how it is computed are not.
    assert cell.figures() is not None
    assert cells.Cell(folder / "cells", "maf", "two_moons", 10_000).figures() is None
    moved = cells.Cell(folder / "cells", "maf", "two_moons", args.steps, "/elsewhere", 2000)
    assert moved.figures() is not None


def test_each_job_is_a_process_of_its_own(tiny, tmp_path, monkeypatch, capsys):
    commands = []

    def die(command, **kwargs):
        commands.append(command)
        return SimpleNamespace(returncode=-9)

    monkeypatch.setattr(subprocess, "run", die)
    argv = [f"--output={tmp_path}", "--families=maf,iaf", "--toys=rings", "--jobs=2", "--nodraw"]
    assert gallery.main(options(*argv, "--steps=7")) == 1
    out = capsys.readouterr().out
    assert "maf on rings: FAILED: its process ended with status -9" in out and "[2/2]" in out
    expected = {"--toys=rings", "--jobs=0", "--nodraw", "--steps=7", f"--output={tmp_path}"}
    assert all(expected <= set(command) for command in commands)
    families = {flag for command in commands for flag in command if "families" in flag}
    assert families == {"--families=maf", "--families=iaf"}
    assert not list(tmp_path.glob("*.png"))


def test_recipes_of_the_toys():
    assert cells.recipe("real_nvp")[0].endswith("realnvp-toy2d.flags")
    # A family without a recipe gets plain flags.
    assert cells.recipe("nobody")[0] == "--model=nobody"
    cell = cells.Cell("x", "maf", "rings", steps=1001)
    per_epoch = 50_000 // cell.options.batch_size
    assert cell.options.epochs == -(-1001 // per_epoch)
    assert (cell.options.dataset, cell.name) == ("toy2d/rings", "maf-rings")


def test_wrong_names_are_told():
    with pytest.raises(ValueError, match="--families must be one of .*; got 'mafia'"):
        gallery.main(options("--output=x", "--families=mafia"))
    with pytest.raises(ValueError, match="--toys must be of .*; got 'moons'"):
        gallery.main(options("--output=x", "--toys=moons"))
    with pytest.raises(ValueError, match="--output is missing"):
        gallery.main(options())
