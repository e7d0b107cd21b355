"""Files that somebody crafted, and what is asserted of their refusal."""

import json
import zipfile

import zoo
from tests.helpers import raises_one_line


def listing(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path, parts, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def with_config(root, change):
    """The model with another configuration: `change` alters it, or returns another."""
    path = root / "flow" / "model.keras"
    parts = members(path)
    config = json.loads(parts["config.json"])
    changed = change(config)
    parts["config.json"] = json.dumps(config if changed is None else changed)
    crafted = root / "crafted.keras"
    pack(crafted, parts)
    return crafted


def refused(what, *parts, **kwargs):
    """Asserts one line of at most 400 characters beside the path, without Keras' advice."""
    with raises_one_line(*parts) as caught:
        zoo.load(what, **kwargs)
    message = str(caught.value).replace(str(what), "")
    assert len(message) <= 400 and "safe_mode" not in message and "unsafe" not in message
    assert caught.value.__cause__ is None  # Which a traceback would print, whole.


def record(module, name, config=None, **more):
    return {"module": module, "class_name": name, "config": config or {}, **more}


def given(distribution):
    """The configuration of a base."""
    return record("zoo.distributions.base", "DistributionBase", {"distribution": distribution}) | {
        "registered_name": "zoo.distributions>DistributionBase"
    }
