"""Every snippet of README and docs/ runs, as it stands on the page.

Python blocks of a page run in one namespace, in order; shell blocks by `bash -e`. Both find
themselves in a folder with the programs and the pretrained flows, and data sets are prepared in a
temporary one. Blocks after `<!-- slow -->` are left to `make test-all`.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import net
from tests.docs import pages

# The blocks of CONTRIBUTING are files, which test_contributing.py puts where they belong.
RUN = [page for page in pages.PAGES if page.name != "CONTRIBUTING.md"]
LANGUAGES = {"python", "sh", "text", ""}
# Lines that set up an environment: this one is.
SETUP = re.compile(r"^(make|pip install|git clone|cd|\. \.venv)\b.*\n?", re.MULTILINE)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder that looks like a checkout of the repository."""
    for part in ("trainers", "exported_models"):
        (tmp_path / part).symlink_to(pages.ROOT / part)
    for part in ("benchmarks", "docs"):  # Which programs write to.
        shutil.copytree(pages.ROOT / part, tmp_path / part)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(page, data_dir, slow):
    """Runs the blocks of a page, the slow ones too where asked for."""
    namespace = {"__name__": "__main__"}
    for block in pages.blocks(page):
        if block.slow and not slow:
            continue
        if "zoo.integrations.bayesflow" in block.code:
            pytest.importorskip("bayesflow", reason="needs the extra bayesflow")
        if block.language == "python":
            exec(compile(block.code, block.where, "exec"), namespace)
        elif block.language == "sh":
            shell(block, data_dir)


def shell(block, data_dir):
    """Runs what of a shell block is not set-up."""
    # The environment of the benchmarks has what this one has, and the peers.
    script = SETUP.sub("", block.code).replace(".venv-bench/bin/", "")
    script = re.sub(r" --help\b.*", " --help || [ $? = 1 ]", script)  # Which is absl's.
    # In a checkout that is not installed, the command is a program like the others.
    script = 'command -v flow-zoo > /dev/null || flow-zoo() { python -m trainers "$@"; }\n' + script
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    python_path = os.pathsep.join(filter(None, [str(pages.ROOT), os.environ.get("PYTHONPATH")]))
    env = {"PATH": path, "PYTHONPATH": python_path, "TFDS_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block.where}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize("page", RUN, ids=pages.name)
def test_snippets_run(page, data_dir, folder):
    # Compiling its training takes the time; it is compiled where its slow blocks run.
    op_by_op = pages.name(page) == "docs/training.md"
    with net.eagerly() if op_by_op else contextlib.nullcontext():
        run(page, data_dir, slow=False)


SLOW = [page for page in RUN if any(block.slow for block in pages.blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW, ids=pages.name)
def test_snippets_run_the_slow_ones_too(page, data_dir, folder):
    run(page, data_dir, slow=True)


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_what_sets_up_is_there(page):
    targets = re.findall(r"^([\w-]+):", (pages.ROOT / "Makefile").read_text(), re.MULTILINE)
    for block in pages.blocks(page):
        assert block.language in LANGUAGES | {"diff"}, block.where
        for target in re.findall(r"^make ([\w-]+)", block.code, re.MULTILINE):
            assert target in targets, f"{block.where}: there is no `make {target}`"
        for extra in re.findall(r"pip install \S*\[([\w,]+)\]", block.code):
            setup = (pages.ROOT / "setup.cfg").read_text()
            assert all(f"\n{name} =\n" in setup for name in extra.split(",")), block.where
