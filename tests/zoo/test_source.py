"""What the library's files may import."""

import ast
import pathlib

import pytest

import zoo

ROOT = pathlib.Path(zoo.__file__).parent
# They pick the backend, or deal in SavedModels.
EXEMPT = {
    "backend.py",
    "backend_gradients.py",
    "backend_graphs.py",
    "backend_updates.py",
    "export.py",
    "exported.py",
}
FORBIDDEN = {"jax", "tensorflow", "tensorflow_probability", "trainers"}
FILES = sorted(p for p in ROOT.rglob("*.py") if p.name not in EXEMPT)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_names_a_backend(path):
    assert not FORBIDDEN & set(imported(path))


def test_the_check_sees_imports():
    assert "tensorflow" in set(imported(ROOT / "backend.py"))
    assert len(FILES) > 30
