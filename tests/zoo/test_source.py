"""What the library's files may import, and what of others they may reach into."""

import ast
import collections
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FILES = sorted((ROOT / "zoo").rglob("*.py"))
# The rooms that name a backend; of the rest `keras.ops` and TFP by way of `zoo.backend`.
BACKENDS = {"jax", "tensorflow", "tensorflow_probability"}
NAMING_BACKENDS = {"backend", "saving"}
# From the ground up; those of one row may import one another's public names.
ROOMS = [
    {"config", "backend", "version", "typing"},
    {"numerics"},
    {"networks", "transformers", "bijectors"},
    {"layers"},
    {"specs", "values", "training", "distributions"},
    {"computations"},
    {"variational"},
    {"adaptation", "calls", "display", "latents", "saving", "views"},
    {"flow"},
    {"models"},
    {"integrations"},
]
FLOOR = {room: i for i, rooms in enumerate(ROOMS) for room in rooms}

ASKS = {"getattr", "hasattr", "setattr"}

Found = collections.namedtuple("Found", "line name")


def imports(tree, file):
    """Absolute dotted names of all that is imported, indented or not, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Found(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = pathlib.PurePosixPath(file).parts[: -node.level] if node.level else ()
            module = ".".join((*above, *([node.module] if node.module else [])))
            # `from zoo import flow` imports the module, `from zoo.flow import Flow` a name of it.
            yield from (Found(node.lineno, f"{module}.{alias.name}") for alias in node.names)


def room_of(file):
    parts = pathlib.PurePosixPath(file).with_suffix("").parts
    return parts[1] if len(parts) > 1 else parts[0]


def backends_named(source, file):
    """Imports of a backend where there are to be none."""
    if room_of(file) in NAMING_BACKENDS:
        return []
    found = imports(ast.parse(source), file)
    return [f for f in found if f.name.partition(".")[0] in BACKENDS | {"trainers"}]


def upward(source, file):
    """Imports of a room above the file's own."""
    room, found, tree = room_of(file), [], ast.parse(source)
    if room not in FLOOR:  # `zoo/__init__.py` shows all of them.
        return []
    # What is there for annotations alone is never imported.
    tree.body = [node for node in tree.body if ast.unparse(node)[:16] != "if TYPE_CHECKING"]
    for line, name in imports(tree, file):
        first, *rest = name.split(".")
        if first != "zoo":
            continue
        of = rest[0]
        if of != room and FLOOR.get(of, len(ROOMS)) > FLOOR[room]:
            found.append(Found(line, name))
    return found


def private(source, file):
    """Underscore attributes of foreign objects, and imports of foreign private modules.

    An attribute is the library's own where some file of it defines a method, assigns an attribute,
    or names a parameter or a slot so: `flow._calls` is, `variable._constraint` is not. Methods that
    TFP asks subclasses for (`_forward`, `_batch_shape`) are defined here and so are our own.
    """
    tree, found = ast.parse(source), []
    for node in ast.walk(tree):
        names = [node.attr] if isinstance(node, ast.Attribute) else []
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ASKS and node.args[1:]:
            names = [a.value for a in node.args[1:2] if isinstance(getattr(a, "value", 0), str)]
        found += [Found(node.lineno, name) for name in names if _hidden(name) and name not in OWN]
    for line, name in imports(tree, file):
        parts = name.split(".")
        hidden = any(_hidden(part) for part in parts) or {"internal", "src", "python"} & set(parts)
        if parts[0] != "zoo" and hidden:
            found.append(Found(line, parts[-1]))
    return found


def _hidden(name):
    return name.startswith("_") and not name.endswith("__")


def _past_tracking(node):
    held = node.value if isinstance(node, ast.Subscript) else node.func
    given = [node.slice] if isinstance(node, ast.Subscript) else node.args[1:2]
    if isinstance(held, ast.Attribute) and held.attr in ("__dict__", "__setattr__"):
        return {a.value for a in given if isinstance(a, ast.Constant)}
    return set()


def own_names(trees):
    """Underscore names that the library defines."""
    found = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Subscript | ast.Call):
                # `__dict__["_arguments"]`, `object.__setattr__(self, ...)`: not tracked by Keras.
                found |= _past_tracking(node)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                # What is assigned to an object other than `self` may be anybody's.
                if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                    found.add(node.attr)
            elif isinstance(node, ast.Assign):
                found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return found


def table():
    """The rows `(name, file)` of "What is private" in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## What is private\n")
    section = section.partition("\n## ")[0]
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in section.splitlines()]
    rows = [row for row in rows if len(row) == 4 and row[0].startswith("`")]
    return [(re.findall(r"`([^`]+)`", row[0]), re.findall(r"`([^`]+)`", row[1])) for row in rows]


SOURCES = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in FILES}
OWN = own_names(ast.parse(source) for source in SOURCES.values())


@pytest.mark.parametrize("file", SOURCES)
def test_no_file_names_a_backend(file):
    assert not backends_named(SOURCES[file], file)


def test_libraries_of_an_extra_are_imported_when_they_are_asked_for():
    """BayesFlow by one file that no other imports, matplotlib within functions alone."""
    for file, source in SOURCES.items():
        tree = ast.parse(source)
        names = {f.name for f in imports(tree, file)}
        own = file == "zoo/integrations/bayesflow.py"
        assert own == any(n.partition(".")[0] == "bayesflow" for n in names), file
        assert not any(n.startswith("zoo.integrations.bayesflow") for n in names), file
        drawing = any(n.partition(".")[0] == "matplotlib" for n in names)
        assert not drawing or file == "zoo/integrations/plot.py", file
        ahead = (node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
        names = {f.name for node in ahead for f in imports(node, file)}
        assert not any(n.partition(".")[0] == "matplotlib" for n in names), file


@pytest.mark.parametrize("file", SOURCES)
def test_no_file_imports_a_room_above_its_own(file):
    assert not upward(SOURCES[file], file)


def test_what_is_private_stands_in_the_table():
    used = {(f.name, file) for file, source in SOURCES.items() for f in private(source, file)}
    named = {(name, file) for names, files in table() for name in names for file in files}
    assert used == named, f"not in the table: {used - named}; not in the files: {named - used}"


FAKES = {
    "import": ("zoo/layers/new.py", "import tensorflow as tf\n", backends_named),
    "indented": ("zoo/layers/new.py", "def f():\n    import jax.numpy as jnp\n", backends_named),
    "from": ("zoo/new.py", "from tensorflow_probability.substrates import jax\n", backends_named),
    "programs": ("zoo/saving.py", "import trainers\n", lambda s, f: backends_named(s, "zoo/a.py")),
    "upward": ("zoo/layers/new.py", "from zoo.models import MAF\n", upward),
    "upward_module": ("zoo/bijectors/new.py", "from zoo import layers\n", upward),
    "upward_indented": ("zoo/backend/a.py", "def f():\n    from zoo import numerics\n", upward),
    "relative": ("zoo/bijectors/new.py", "from ..layers import ActNorm\n", upward),
    "package": ("zoo/layers/new.py", "from zoo import MAF\n", upward),
    "attribute": ("zoo/layers/new.py", "variable._constraint_of_keras = None\n", private),
    "of_a_call": ("zoo/layers/new.py", "x = make()._keras_inbound_nodes\n", private),
    "of_self": ("zoo/layers/new.py", "def f(self):\n    self._keras_lock()\n", private),
    "asked": ("zoo/layers/new.py", "x = getattr(y, '_keras_mask', None)\n", private),
    "module": ("zoo/backend/a.py", "from tensorflow.python.eager import context\n", private),
    "keras": ("zoo/layers/new.py", "from keras.src import backend\n", private),
}


@pytest.mark.parametrize("case", FAKES)
def test_the_checks_see(case):
    file, source, check = FAKES[case]
    assert [f.line for f in check(source, file)] == [len(source.splitlines())]


def test_the_checks_allow():
    source = (
        "from zoo import backend\nfrom zoo.networks import MLP\nx = backend.tfd\nself._kept = 1"
    )
    assert not upward(source, "zoo/layers/new.py") + backends_named(source, "zoo/layers/new.py")
    assert not backends_named("import tensorflow", "zoo/saving/export.py")
    assert {"_calls", "_forward"} <= OWN and len(SOURCES) > 60
