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


def tests_of(paths):
    """The tests, files or folders of them, of the rooms that hold these paths."""
    found = set()
    for path in paths:
        if path.parts[0] == "tests" and path.name.startswith("test_"):
            found.add(ROOT / path)
        elif path.parts[0] in ("zoo", "trainers", "benchmarks") and path.suffix == ".py":
            room = ROOT / "tests" / path.parent
            file = room / f"test_{path.name}"
            found.add(file if file.is_file() or len(path.parts) < 3 else room)
    return sorted(str(p) for p in found if p.exists())


if __name__ == "__main__":
    chosen = tests_of(changed_files())
    if not chosen:
        print("No room changed.")
        sys.exit()
    sys.exit(
        pytest.main(["-m", "not slow", "-n", "2", "--dist", "loadfile", *chosen, *sys.argv[1:]])
    )
