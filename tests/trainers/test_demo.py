"""The demo: its folder, its checks, and the whole of it on a tiny zoo."""

import pytest

from trainers import demo, publish
from trainers.runs import flagfiles


def test_only_the_demo_s_own_folder_is_emptied(tmp_path):
    folder = demo.fresh_folder(tmp_path / "new")
    (folder / "old.txt").touch()
    assert [p.name for p in demo.fresh_folder(folder).iterdir()] == [".flow-zoo-demo"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(ValueError, match="holds something that is not of this demo"):
        demo.fresh_folder(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_a_check_that_fails_is_noted(tmp_path, capsys):
    shown = demo.Demo("maf-digits", tmp_path / "recipe", tmp_path)
    shown._note("first", True, "fine", tmp_path)
    shown._note("second", False, "wrong by 3")
    assert shown.rows == [("first", "fine", str(tmp_path)), ("second", "FAILED: wrong by 3", "")]
    assert "second: FAILED: wrong by 3" in capsys.readouterr().out


@pytest.mark.slow
def test_the_whole_demo(toy_run, tmp_path, program):
    options = flagfiles.new_options(
        publish.define_flags,
        [f"--model_dir={toy_run}", "--name=toy", f"--zoo_dir={tmp_path / 'zoo'}"],
    )
    publish.main(options)
    recipe = tmp_path / "toy.flags"
    recipe.write_text((toy_run / "flags.txt").read_text())
    argv = ("--model=toy", f"--recipe={recipe}", f"--output_dir={tmp_path / 'out'}", "--epochs=2")
    done = program("demo", *argv, FLOW_ZOO_DIR=str(tmp_path / "zoo"))
    assert done.returncode == 0, done.stderr + done.stdout
    for step in ("load toy", "evaluate", "round trip", "sample", "retrain", "export"):
        assert f"\n{step}" in done.stdout
    assert "log_prob agrees to" in done.stdout and "0 of 7 steps failed" in done.stdout
    assert (tmp_path / "out" / "samples.png").exists()
    assert (tmp_path / "out" / "run" / "model.keras").exists()


def test_an_unknown_recipe_is_one_line(program, tmp_path):
    done = program("demo", "--model=none", f"--output_dir={tmp_path / 'out'}")
    assert done.returncode == 1 and "there is no recipe" in done.stderr
    assert done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()
