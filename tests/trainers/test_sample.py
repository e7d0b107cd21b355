"""Samples as pictures and arrays."""

import functools

import numpy as np
import pytest
from PIL import Image

import zoo
from tests import helpers
from trainers import sample
from trainers.runs import flagfiles


def run(*argv):
    sample.main(flagfiles.new_options(sample.define_flags, argv))


@pytest.fixture(autouse=True, scope="module")
def loaded_once():
    """Each flow is loaded, and compiles what it is asked for, once for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        load = functools.cache(zoo.load)
        patch.setattr(zoo, "load", lambda path: load(str(path)))
        yield


def test_arrays(toy_run, digits_run, tmp_path):
    run(f"--model={toy_run}", "--num=5", "--seed=3", f"--output={tmp_path / 'a.npy'}")
    points = np.load(tmp_path / "a.npy")
    assert points.shape == (5, 2) and points.dtype == np.float32
    np.testing.assert_allclose(points, zoo.load(toy_run).sample(5, seed=3), rtol=1e-5)
    run(f"--model={digits_run}", "--num=6", f"--output={tmp_path / 'b.npy'}")
    images = np.load(tmp_path / "b.npy")
    assert images.shape == (6, 8, 8, 1) and images.dtype == np.uint8 and images.max() <= 16


def test_pictures(toy_run, digits_run, tmp_path, capsys):
    run(f"--model={digits_run}", "--num=4", f"--output={tmp_path / 'deep' / 'a.png'}")
    picture = np.asarray(Image.open(tmp_path / "deep" / "a.png"))
    assert picture.shape[0] == picture.shape[1] and picture.shape[2] == 3
    run(f"--model={toy_run}", f"--output={tmp_path / 'b.png'}")
    assert Image.open(tmp_path / "b.png").size == (400, 400)
    assert "b.png: 64 samples of shape (2,), float32" in capsys.readouterr().out


def test_seed_temperature_and_context_reach_the_flow(toy_run, digits_run):
    flow, digits = zoo.load(toy_run), zoo.load(digits_run)
    spread = [sample.draw(flow, 300, seed=1, temperature=t).std() for t in (0.1, 1.0)]
    assert spread[0] < 0.5 * spread[1]
    one, other = (sample.draw(digits, 8, context=[c], seed=1) for c in ("3", "4"))
    assert (one != other).any()
    helpers.assert_same(one, sample.draw(digits, 8, context=["3"], seed=1))


def test_guidance_reaches_the_flow(toy_run):
    small = {"patch_size": 2, "num_layers": 1, "blocks": 1, "width": 8, "seed": 0}
    flow = zoo.TarFlow((4, 4, 1), num_classes=3, label_dropout=0.1, jit_compile=False, **small)
    helpers.randomize(flow, seed=1)
    plain, guided = (sample.draw(flow, 2, ["1"], seed=0, guidance=w) for w in (0.0, 2.0))
    assert np.abs(plain - guided).max() > 1e-3
    with helpers.raises_one_line("--guidance", "tar_flow"):
        sample.draw(zoo.load(toy_run), 2, seed=0, guidance=1.0)


def test_context_is_read_as_the_flow_takes_it(digits_run):
    digits = zoo.load(digits_run)
    assert sample.read_context(digits, 5, ["3", " 7"]).tolist() == [3, 7, 3, 7, 3]
    assert sample.read_context(digits, 5, None) is None
    vectors = zoo.MAF((2,), context_shape=(3,), num_layers=1, hidden_units=(4,))
    assert sample.read_context(vectors, 5, ["1", "-2.5", "0"]).tolist() == [1.0, -2.5, 0.0]
    for flow, texts, message in (
        (digits, ["10"], "labels 0 to 9, got 10"),
        (digits, ["x"], "labels 0 to 9, got x"),
        (vectors, ["1", "2"], r"numbers to fill the shape \(3,\), got 1,2"),
        (zoo.MAF((2,), num_layers=1, hidden_units=(4,)), ["1"], "takes no context"),
    ):
        with pytest.raises(ValueError, match=message):
            sample.read_context(flow, 5, texts)


def test_other_suffixes_and_pictures_of_tables_are_refused(toy_run, tmp_path):
    with pytest.raises(ValueError, match="must end in .png, .npy, .csv or .parquet, got x.jpg"):
        run(f"--model={toy_run}", "--output=x.jpg")
    with pytest.raises(ValueError, match="write a .npy file instead"):
        sample.write(tmp_path / "a.png", np.zeros((3, 7)))
    assert list(tmp_path.iterdir()) == []
