"""The flow that CONTRIBUTING adds: its text is applied to a copy of the repository and tested."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.docs import pages

PAGE = pages.ROOT / "CONTRIBUTING.md"
NAMED = [b for b in pages.blocks(PAGE) if b.code.startswith("# ") and b.language != "sh"]


def apply(block, root):
    """Writes the file that a block names in its first line, or adds the lines of a diff to it."""
    first, _, rest = block.code.partition("\n")
    path = root / first.removeprefix("# ")
    if block.language != "diff":
        assert not path.exists(), f"{block.where}: {path} is there already"
        path.write_text(rest if path.suffix == ".py" else block.code, encoding="utf-8")
        return
    lines, at = path.read_text(encoding="utf-8").split("\n"), None
    for line in rest.splitlines():
        if line.startswith("+"):
            lines.insert(at + 1, line[1:])
            at += 1
        else:
            assert lines.count(line[1:]) == 1, f"{block.where}: {line!r} must be there once"
            at = lines.index(line[1:])
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the repository with the flow in it."""
    root = tmp_path_factory.mktemp("copy")
    ignore = shutil.ignore_patterns("__pycache__", "*.npz")
    for part in ("zoo", "trainers", "tests", "benchmarks", "docs"):
        shutil.copytree(pages.ROOT / part, root / part, ignore=ignore)
    for part in ("setup.cfg", "ruff.toml"):
        shutil.copy(pages.ROOT / part, root / part)
    (root / "exported_models").symlink_to(pages.ROOT / "exported_models")
    for block in NAMED:
        apply(block, root)
    return root


def run(copy, *words):
    """Runs a module of Python in the copy."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "TFDS_DATA_DIR": str(copy / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_the_page_has_all_that_a_flow_takes():
    assert [b.language for b in NAMED] == ["python"] * 3 + ["diff"] * 4 + ["text"]


def test_its_files_are_clean(copy):
    files = [str(p) for p in copy.glob("**/sinh_arcsinh.py")]
    assert len(files) == 3
    run(copy, "ruff", "check", *files)
    run(copy, "ruff", "format", "--check", *files)


@pytest.mark.slow
def test_the_shared_tests_pass(copy):
    said = run(
        copy, "pytest", "tests/zoo", "-k", "sinh_arcsinh", "-m", "not slow", "-p", "no:xdist"
    )
    assert int(said.split(" passed")[0].split()[-1]) >= 20, said


@pytest.mark.slow
def test_its_recipe_trains(copy):
    commands = [b.code for b in pages.blocks(PAGE) if "trainers.train " in b.code]
    (line,) = [line for line in commands[0].splitlines() if "trainers.train " in line]
    run(copy, *line.split()[2:])
    assert (copy / "runs/sinh_arcsinh/result.json").is_file()
