"""Starting, failing and writing: what every program shares."""

import json
import math
import os
from types import SimpleNamespace

import pytest

import zoo
from trainers.runs import common


@pytest.mark.parametrize(
    ("program_name", "flag", "expected"),
    [
        (
            "train",
            "--modle=maf",
            "unknown flag --modle (did you mean --model?); the flags are: --activation --alpha",
        ),
        ("train", "--optimizer=foo", "should be one of <adam|adamw|adamax|sgd|rmsprop>"),
        ("train", "--epochs=0", "--epochs=0: 0 is not an integer in the range [1, "),
        ("train", "--flagfile=/none", "Unable to open flagfile"),
        ("train", "maf", "expected only flags of the form --name=value, got 'maf'"),
        ("train", "--dataset=digits", "--model is missing: Family"),
        ("sample", "--num=x", "--num=x"),
        ("sample", "--model=maf-digits", "--output is missing"),
        ("evaluate", "--split=dev", "one of <train|validation|test>"),
        (
            "export",
            "--model_dir=x",
            "unknown flag --model_dir (did you mean --model?); the flags are: --export_dir --model",
        ),
        ("publish", "--name=x", "--model_dir is missing"),
        ("__main__", "trian", "there is no program 'trian' (did you mean 'train'?)"),
    ],
)
def test_wrong_command_lines_give_one_line(program, program_name, flag, expected):
    done = program(program_name, flag)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert expected in done.stderr and done.stdout == ""


def test_help_shows_the_flags_of_the_program(program):
    done = program("sample", "--help")
    assert "--temperature" in done.stdout and "Samples a flow" in done.stdout


def test_errors_of_the_user_are_one_line(program, tmp_path):
    argv = ("--model=maf-digits", f"--output={tmp_path / 'x.npy'}")
    done = program("sample", *argv, KERAS_BACKEND="numpy")
    assert done.returncode == 1 and "KERAS_BACKEND=tensorflow" in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("debug", [False, True])
def test_debug_shows_where_an_error_is_from(capsys, debug):
    def main(options):
        raise ValueError("no\nsuch flow")

    with pytest.raises(SystemExit) as caught:
        common.guarded(main, SimpleNamespace(debug=debug))
    said = capsys.readouterr().err
    assert caught.value.code == 1 and said.splitlines()[-1] == "error: no such flow"
    assert ("Traceback" in said) is debug and (said.count("\n") > 1) is debug


def test_what_does_not_converge_ends_with_one_line_too(capsys):
    def main(options):
        raise zoo.NotConverged("the iterated decode did not converge for 1 of 3 events")

    with pytest.raises(SystemExit):
        common.guarded(main, SimpleNamespace(debug=False))
    assert capsys.readouterr().err.startswith("error: the iterated decode did not converge")


def test_errors_of_the_program_keep_their_stack_trace():
    def main(options):
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        common.guarded(main, SimpleNamespace(debug=False))
    assert common.guarded(lambda options: options.debug, SimpleNamespace(debug=7)) == 7


def test_one_line():
    assert common.one_line(ValueError("a\n  b")) == "a b"
    wrapped = (
        'in user code:\n\n    File "x.py", line 3, in f  *\n        g()\n\n    ValueError: no.\n'
    )
    assert common.one_line(ValueError(wrapped)) == "no."
    assert common.one_line(FileNotFoundError(2, "No such file", "a.txt")) == "a.txt: No such file"
    assert common.one_line(ValueError()) == "ValueError"


def test_written_whole_replaces_only_when_all_went_well(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with common.written_whole(path) as part:
        part.write_text("old")
    with pytest.raises(RuntimeError), common.written_whole(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and os.listdir(path.parent) == ["file.txt"]


def test_table():
    text = common.table([("a", 1), ("long", 22)], header=("name", "n"))
    assert text.split("\n") == ["name  n", "----  --", "a     1", "long  22"]


def test_json_has_no_infinity(tmp_path):
    figures = {"a": [1.5, math.inf], "b": {"c": math.nan, "d": "inf", "e": (2, None)}}
    expected = {"a": [1.5, None], "b": {"c": None, "d": "inf", "e": [2, None]}}
    common.write_json(tmp_path / "figures.json", figures)
    assert json.loads((tmp_path / "figures.json").read_text()) == expected
