"""Flagfiles: written, read again, compared."""

import pytest
from absl import flags

from trainers import evaluate, explore, sample, train
from trainers.runs import flagfiles

ARGV = [
    "--model=maf",
    "--dataset=digits",
    "--model_dir=somewhere",
    "--hidden_units=16,8",
    "--class_conditional",
    '--model_args={"order": "random", "alpha": 0.05}',
    "--learning_rate=3e-4",
    "--seed=7",
    "--notensorboard",
]


def test_a_flagfile_gives_the_same_flags_again(tmp_path):
    options = flagfiles.new_options(train.define_flags, ARGV)
    path = tmp_path / "flags.txt"
    flagfiles.write_flagfile(path, options, leave_out=("model_dir",))
    again = flagfiles.new_options(train.define_flags, [f"--flagfile={path}"])
    before = flagfiles.values(options)
    after = flagfiles.values(again)
    assert before.pop("model_dir") == "somewhere" and after.pop("model_dir") is None
    assert before == after and before["hidden_units"] == ["16", "8"]
    assert "--seed=7" in path.read_text().splitlines()


def test_later_flags_go_before_those_of_the_file(tmp_path):
    path = tmp_path / "flags.txt"
    path.write_text("# a comment\n--epochs=3\n--model=maf\n")
    options = flagfiles.new_options(train.define_flags, [f"--flagfile={path}", "--epochs=5"])
    assert (options.epochs, options.model) == (5, "maf")


def test_differing_flags_are_named_but_for_those_free_to_change(tmp_path):
    path = tmp_path / "flags.txt"
    options = flagfiles.new_options(train.define_flags, ARGV)
    flagfiles.write_flagfile(path, options)
    other = flagfiles.new_options(
        train.define_flags,
        [*ARGV, "--hidden_units=16", "--num_layers=3", "--epochs=7", "--model_dir=elsewhere"],
    )
    assert flagfiles.differing_flags(path, options) == []
    assert flagfiles.differing_flags(path, other) == [
        "--hidden_units=16 (was 16,8)",
        "--num_layers=3 (was unset)",
    ]


def test_unknown_flags_and_values_are_refused(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"unknown flag --modle \(did you mean --model\?\); the flags are: .*--model ",
    ):
        flagfiles.new_options(train.define_flags, ["--modle=maf"])
    with pytest.raises(ValueError, match="--batch_size=0"):
        flagfiles.new_options(train.define_flags, ["--batch_size=0"])
    with pytest.raises(ValueError, match="got 'maf'"):
        flagfiles.new_options(train.define_flags, ["maf"])
    path = tmp_path / "flags.txt"
    path.write_text("--nonsense=1\n")
    options = flagfiles.new_options(train.define_flags, ARGV)
    with pytest.raises(ValueError, match="flags.txt cannot be read: unknown flag --nonsense"):
        flagfiles.differing_flags(path, options)


FLOATS = ("learning_rate", "final_learning_rate", "weight_decay", "clip_norm", "ema_momentum")
FLOATS += ("alpha", "coefficient", "checkpoint_minutes", "max_minutes", "free_bits")
FLOATS += ("dropout", "label_dropout", "beta_2")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_numbers_are_finite(value):
    for name in FLOATS:
        with pytest.raises(ValueError, match=f"--{name}={value}: expected a finite number"):
            flagfiles.new_options(train.define_flags, [f"--{name}={value}"])
    for define, name in ((sample.define_flags, "temperature"), (train.define_flags, "epochs")):
        with pytest.raises(ValueError, match=f"--{name}={value}: "):
            flagfiles.new_options(define, [f"--{name}={value}"])


def test_every_float_flag_is_one_of_those():
    options = flagfiles.new_options(train.define_flags)
    found = {name for name in options if isinstance(options[name].parser, flags.FloatParser)}
    assert found == set(FLOATS)


@pytest.mark.parametrize("name", ["num_layers", "width", "steps", "scales", "epochs", "seed"])
@pytest.mark.parametrize("value", [10**9 * 10, -(10**30)])
def test_absurd_numbers_are_refused(name, value):
    with pytest.raises(ValueError, match=f"--{name}={value}: .* not an integer in the range"):
        flagfiles.new_options(train.define_flags, [f"--{name}={value}"])


@pytest.mark.parametrize("program", [evaluate, explore, sample, train])
def test_seeds_are_not_negative(program):
    with pytest.raises(ValueError, match="--seed=-1: ") as caught:
        flagfiles.new_options(program.define_flags, ["--seed=-1"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80\x04\x95 pickled", "flags.txt is, or includes, a file that is no text"),
        (b"--flagfile=flags.txt\n", "a flagfile includes itself: flags.txt"),
        (b"--flagfile=other.txt\n", "a flagfile includes itself: "),
        (b"--flagfile=~nouser/x\n", "Unable to open flagfile: .*~nouser"),
        (b"--flagfile=.\n", "Unable to open flagfile: .*Is a directory"),
        (b"\x00\n", "got '.x00'"),
    ],
)
def test_a_flagfile_that_is_none_is_one_line(tmp_path, monkeypatch, capfd, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flags.txt").write_bytes(content)
    (tmp_path / "other.txt").write_text("--flagfile=flags.txt\n")
    with pytest.raises(ValueError, match=message) as caught:
        flagfiles.new_options(train.define_flags, ["--flagfile=flags.txt"])
    assert "\n" not in str(caught.value) and capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="flags.txt cannot be read: "):
        flagfiles.of_run("flags.txt")


@pytest.mark.parametrize("name", ["data_dir", "model_dir", "init_from"])
def test_a_home_of_nobody_is_one_line(name):
    with pytest.raises(ValueError, match=f"--{name}=~nouser/x: there is no such user"):
        flagfiles.new_options(train.define_flags, [f"--{name}=~nouser/x"])
    assert flagfiles.new_options(train.define_flags, [f"--{name}=~/x"])[name].value == "~/x"
