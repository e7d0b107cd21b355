"""The rooms of `trainers`: imports go one way, and through what a room offers."""

import ast
import importlib
from pathlib import Path

import pytest

import trainers

ROOT = Path(trainers.__file__).parent
ROOMS = ("datasets", "runs", "reports", "")  # each may import from those before it


def imports(path):
    """(room, names, whether from the room itself) of all imports of `trainers`, inner ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("trainers.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "trainers":
            _, room, *inside = [*node.module.split("."), ""]
            for alias in node.names:
                if room:
                    yield room, alias.name, inside == [""]
                elif alias.name in ROOMS:
                    yield alias.name, None, True
                else:
                    yield "", alias.name, True


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way_and_through_the_room(room):
    paths = list((ROOT / room).glob("*.py"))
    assert len(paths) > 5
    for path in paths:
        for other, name, from_room in imports(path):
            assert ROOMS.index(other) <= ROOMS.index(room), f"{path} imports {name} of {other}"
            if other not in ("", room):
                assert from_room, f"{path} imports {name} from inside {other}"
                offered = importlib.import_module(f"trainers.{other}").__all__
                assert name is None or name in offered, f"{other} does not offer {name}"
