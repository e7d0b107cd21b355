"""Exported flows of the table, shared by the tests that read them: an export takes seconds."""

import functools
import tempfile
from pathlib import Path

import zoo
from tests.zoo import table

# A class-conditional flow over grey levels, one given vectors, and one without a context.
NAMES = ("maf_image", "iaf_context", "real_nvp")

_root = tempfile.TemporaryDirectory(prefix="flow_zoo_exports")


@functools.cache
def folder(name):
    """The folder that `table.shared(name)` is exported to; not to be changed."""
    return zoo.export(table.shared(name), Path(_root.name) / name)
