"""Every example in a docstring of the library runs; what stands as Python elsewhere is Python.

An example is a fenced block or a doctest below `Example:`. They run op by op: compiling is tested
elsewhere.
"""

import ast
import doctest
import re
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import net
from tests.docs import pages

_FENCED = re.compile(r"```python\n(.*?)```", re.DOTALL)
_NAMED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def docstrings():
    """`{file:name: docstring}` of everything in the library that has Python in it."""
    found = {}
    for path in sorted((pages.ROOT / "zoo").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) if isinstance(node, _NAMED) else None
            if text and ("```python" in text or ">>>" in text):
                found[f"{pages.name(path)}:{getattr(node, 'name', 'module')}"] = text
    return found


DOCSTRINGS = docstrings()


def test_families_have_examples():
    named = {name.partition(":")[2] for name, text in DOCSTRINGS.items() if "Example:" in text}
    assert {family.__name__ for family in zoo.MODELS.values()} | {"load", "export"} <= named


@pytest.mark.parametrize("where", DOCSTRINGS)
def test_python_in_a_docstring(where, tmp_path, monkeypatch):
    (tmp_path / "exported_models").symlink_to(pages.ROOT / "exported_models")
    monkeypatch.chdir(tmp_path)
    before, _, example = DOCSTRINGS[where].partition("Example:")
    for code in _FENCED.findall(before):
        compile(textwrap.dedent(code), where, "exec")
    namespace = {"zoo": zoo, "keras": keras, "np": np, "tf": tf}
    with net.eagerly():
        for code in _FENCED.findall(example):
            exec(compile(textwrap.dedent(code), where, "exec"), namespace)
        examples = doctest.DocTestParser().get_doctest(example, namespace, where, None, 0)
        results = doctest.DocTestRunner().run(examples)
    assert not results.failed
