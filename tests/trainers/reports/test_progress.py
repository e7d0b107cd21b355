"""What is seen of a flow while it trains."""

import io

import numpy as np
import pytest

import zoo
from trainers.reports import progress


def test_pictures_come_at_their_interval(tmp_path):
    flow = zoo.MAF(event_shape=(3, 3, 1), levels=4, num_layers=1, hidden_units=(4,))
    draw = progress.Pictures(tmp_path, interval=2)
    draw.set_model(flow)
    for epoch in range(4):
        draw.on_epoch_begin(epoch)
        draw.on_test_end({})
    names = sorted(p.name for p in (tmp_path / "pictures").iterdir())
    assert names == ["epoch-00002.png", "epoch-00004.png"]
    assert list((tmp_path / "tensorboard" / "pictures").glob("events*"))


def test_a_picture_that_cannot_be_drawn_ends_nothing(tmp_path, monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise zoo.NotConverged("1 of 64 events")

    monkeypatch.setattr(progress.pictures, "sample_picture", fail)
    draw = progress.Pictures(tmp_path, interval=1, tensorboard=False)
    draw.set_model(zoo.MAF(event_shape=(2,), num_layers=1, hidden_units=(4,)))
    draw.on_epoch_begin(0)
    draw.on_test_end({})
    assert capsys.readouterr().out == "no picture of epoch 1: 1 of 64 events\n"
    assert not list(tmp_path.glob("pictures/*"))


def trained(x, progress_kind="line", **settings):
    """What `Watch` says of two epochs on events x, validated on them."""
    flow = zoo.MAF(
        x.shape[1:], num_layers=1, hidden_units=(4,), jit_compile=False, seed=0, **settings
    )
    flow.compile("adam")
    said = io.StringIO()
    watch = progress.Watch(2, progress=progress_kind, file=said)
    flow.fit(
        x,
        batch_size=20,
        epochs=2,
        verbose=0,
        validation_data=(x,),
        validation_batch_size=20,
        callbacks=[watch],
    )
    bits = flow.evaluate(x, batch_size=20, verbose=0, return_dict=True)
    return said.getvalue(), bits


def test_a_training_is_told_in_the_unit_that_fits():
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    said, figures = trained(x)
    lines = said.splitlines()
    assert lines[0] == "compiling ..." and lines[1].startswith("compiled in ")
    assert lines[3].startswith("epoch 2/2, step 5/5, ") and "0:00:00 left" in lines[3]
    assert "steps/s" in lines[3] and " nats, best " in lines[3] and len(lines) == 4
    shown, _, rest = lines[3].partition("validation ")[2].partition(" ± ")
    error = rest.split()[0]
    assert float(shown) == pytest.approx(-figures["loss"], abs=0.01)
    # As many digits as show two of the error.
    digits = error.replace(".", "").lstrip("0")
    assert len(digits) == 2 and len(shown.partition(".")[2]) == len(error.partition(".")[2])
    images = np.random.default_rng(0).integers(0, 4, (100, 2, 2, 1)).astype("uint8")
    said, figures = trained(images, levels=4)
    assert " bits/dim, best " in said
    assert trained(images, "none", levels=4)[0] == ""
