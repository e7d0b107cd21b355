"""Pictures of a flow while it trains."""

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
