"""Runs the quick tests of the rooms in which files differ from the main branch: `make check`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def changed_files():
    """Paths that differ from where this branch left main, committed or not."""

    def git(*words):
        run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
        return run.stdout.split("\n") if run.returncode == 0 else []

    start = next(iter(git("merge-base", "HEAD", "origin/main")), "") or "HEAD"
    new = git("ls-files", "--others", "--exclude-standard")
    return {Path(name) for name in [*git("diff", "--name-only", start), *new] if name}


def in_room(path, room):
    """The tests of a file's name, else those of its room that name it, else the room's."""
    file, name = room / f"test_{path.name}", path.stem.replace("_", "")
    if file.is_file():
        return [file]
    tests = room.glob("test_*.py")
    naming = [t for t in tests if name in t.read_text(encoding="utf-8").lower().replace("_", "")]
    return naming or [room] * (len(path.parts) > 2)  # Not all there is.


def tests_of(paths):
    """The tests, files or folders of them, of these paths."""
    found = set()
    for path in paths:
        if path.parts[0] == "tests" and path.name.startswith("test_"):
            found.add(ROOT / path)
        elif path.parts[0] in ("zoo", "trainers", "benchmarks") and path.suffix == ".py":
            found.update(in_room(path, ROOT / "tests" / path.parent))
    return sorted(str(p) for p in found if p.exists())


if __name__ == "__main__":
    chosen = tests_of(changed_files())
    if not chosen:
        print("No room changed.")
        sys.exit()
    # A second process would only load TensorFlow where there is but one file.
    one = len(chosen) == 1 and chosen[0].endswith(".py")
    workers = ["-n", "0"] if one else ["-n", "2", "--dist", "loadfile"]
    sys.exit(pytest.main(["-m", "not slow", *workers, *chosen, *sys.argv[1:]]))
