"""One command for all programs, and what it tells before TensorFlow is there."""

import importlib
import inspect
import subprocess
import sys

import pytest

import zoo
from trainers import command
from trainers.runs import arguments, common, entries, flagfiles, helping, options

from .conftest import ROOT


def test_families_are_those_of_the_library():
    found = entries.families()
    assert set(found) == {*zoo.MODELS, "vae"}
    for name, family in zoo.MODELS.items():
        assert found[name] == set(inspect.signature(family).parameters)


def test_models_are_those_of_the_library():
    assert list(entries.models()) == [model.name for model in zoo.list_models()]
    assert entries.metadata("maf-digits")["dataset"] == "digits"
    assert entries.about_data("maf-digits") is None


def test_every_flag_of_train_has_a_topic_and_twenty_come_first():
    placed = {name for names in helping.TOPICS.values() for name in names.split()}
    known = options.names(options.train_flags)
    assert known <= placed and len(helping.FIRST) == 20 and known >= helping.FIRST


def test_help(monkeypatch, capsys):
    fv = flagfiles.new_options(options.train_flags)
    shown = {name: fv[name] for name in fv if name != "flagfile"}
    page = helping.page("flow-zoo train", "Trains.\n\nMore.", shown)
    head, rest = page.split("Further flags; --helpfull explains all:")
    assert "  --epochs (default 100): Most epochs." in head and "--max_steps" not in head
    assert "length: --max_steps --validation_interval" in rest
    assert max(map(len, page.splitlines())) <= 100
    full = helping.page("flow-zoo train", "Trains.\n\nMore.", shown, full=True)
    assert all(f"--{name}" in full or f"--[no]{name}" in full for name in shown)


def test_the_command_hands_over_to_a_program(monkeypatch, capsys):
    called = []
    monkeypatch.setattr(common, "run", lambda define, main, name: called.append((name, sys.argv)))
    monkeypatch.setattr(common, "started_by", common.started_by)
    monkeypatch.setattr(sys, "argv", ["flow-zoo", "show", "maf-digits"])
    command.main()
    assert called == [("show", ["flow-zoo show", "--model=maf-digits"])]
    assert common.command("sample") == "flow-zoo sample"
    monkeypatch.setattr(sys, "argv", ["flow-zoo"])
    command.main()
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in command.PROGRAMS)
    monkeypatch.setattr(sys, "argv", ["flow-zoo", "trian"])
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert caught.value.code == 2 and "did you mean 'train'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", command.PROGRAMS)
def test_every_program_can_be_started(name):
    module = importlib.import_module(f"trainers.{command.MODULES.get(name, name)}")
    assert callable(module.main) and options.names(module.define_flags)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--model=maff"], "got 'maff' (did you mean 'maf'?)"),
        (["--model=maf", "--dataset=digts"], "did you mean 'digits'?"),
        (["--model=maf", "--scales=2"], "--model maf has no argument 'scales'"),
        (["--model=maf", '--model_args={"ordr": 1}'], "'ordr' (did you mean 'order'?)"),
        (["--init_from=maf-digts"], "did you mean 'maf-digits'?"),
        (["--model=maf", "--columns=a"], "columns is for data of your own"),
    ],
)
def test_what_is_wrong_is_told_at_once(argv, words):
    fv = flagfiles.new_options(options.train_flags, ["--dataset=digits", *argv])
    with pytest.raises(ValueError) as caught:
        arguments.check_training(fv)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_help_list_and_errors_come_without_tensorflow():
    code = (
        "import sys; sys.argv[1:] = {argv!r}\n"
        "from trainers import command\n"
        "try:\n    command.main()\n"
        "except SystemExit: pass\n"
        "print('tensorflow' in sys.modules or 'keras' in sys.modules)\n"
    )
    wrong = ["train", "--model=maf", "--dataset=digts", "--model_dir=/tmp/none/at/all"]
    for argv in (["train", "--help"], ["list"], ["show", "maf-digits"], wrong):
        done = subprocess.run(
            [sys.executable, "-c", code.format(argv=argv)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "False", argv
