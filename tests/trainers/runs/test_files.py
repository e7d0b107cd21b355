"""Folders that are tried before the work, and paths of users that are not there."""

from types import SimpleNamespace

import pytest

from trainers.runs import files


def tried(name, **kwargs):
    return files.writable({"output_dir": SimpleNamespace(value=str(name))}, "output_dir", **kwargs)


def test_a_folder_that_can_be_written_is_left_as_it_is(tmp_path):
    assert tried(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert tried(tmp_path) == tmp_path
    (tmp_path / "file.png").touch()
    assert tried(tmp_path / "file.png", file=True) == tmp_path / "file.png"
    assert [p.name for p in tmp_path.iterdir()] == ["file.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/proc/x", "--output_dir=/proc/x cannot be written to: No such file"),
        ("/dev/null", "/dev/null cannot be written to: Not a directory"),
        ("/dev/null/x/y", "/dev/null/x/y cannot be written to: Not a directory"),
        ("a\x00b", "'a.x00b' is no path"),
        ("~nouser/x", "~nouser/x cannot be read: there is no such user"),
    ],
)
def test_one_that_cannot_is_told(name, message):
    with pytest.raises(ValueError, match=message):
        tried(name)


def test_every_program_tries_its_folder_first(monkeypatch):
    """Before TensorFlow starts, and so before anything is loaded."""
    from trainers import demo, evaluate, explore, export, gallery, sample, train
    from trainers.runs import common, flagfiles

    def started():
        raise AssertionError("started")

    monkeypatch.setattr(common, "start_tensorflow", started)
    for program, flag, others in (
        (train, "model_dir", ("--model=maf", "--dataset=digits")),
        (evaluate, "output_dir", ("--model=maf-digits", "--dataset=digits")),
        (explore, "output_dir", ("--model=maf-digits", "--dataset=digits")),
        (export, "export_dir", ("--model=maf-digits",)),
        (sample, "output", ("--model=maf-digits",)),
        (demo, "output_dir", ()),
        (gallery, "output", ()),
    ):
        argv = [f"--{flag}=/proc/x/y.png", *others]
        with pytest.raises(ValueError, match=f"--{flag}=/proc/x/y.png cannot be written to"):
            program.main(flagfiles.new_options(program.define_flags, argv))
