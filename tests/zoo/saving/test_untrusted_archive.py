"""Archives that somebody crafted: refused in one line, and nothing is written or filled."""

import io
import pickle
import zipfile

import h5py
import numpy as np
import pytest

import zoo
from tests.zoo.saving.crafted import members, pack, refused

ARCHIVES = {
    "zip bomb": ("config.json", b" " * (1 << 26)),
    "bomb of weights": ("model.weights.h5", bytes(1 << 26)),
    "another member": ("assets/vocabulary.txt", b"x"),
    "leading out": ("../../crafted.txt", b"x"),
    "no weights": ("model.weights.h5", None),
    "no configuration": ("config.json", None),
    "weights of nothing": ("model.weights.h5", b""),
    "weights of text": ("model.weights.h5", b"text" * 100),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives_that_keras_does_not_write(root, case):
    name, content = ARCHIVES[case]
    parts = members(root / "flow" / "model.keras")
    parts[name] = content
    parts = {key: value for key, value in parts.items() if value is not None}
    pack(root / "crafted.keras", parts, zipfile.ZIP_DEFLATED)
    refused(root / "crafted.keras", "no Flow Zoo model")


def test_a_member_twice_or_packed_otherwise(root):
    parts = members(root / "flow" / "model.keras")
    pack(root / "crafted.keras", parts, zipfile.ZIP_LZMA)
    refused(root / "crafted.keras", "packed in a way")
    pack(root / "crafted.keras", parts)
    with pytest.warns(UserWarning, match="Duplicate"):
        with zipfile.ZipFile(root / "crafted.keras", "a") as archive:
            archive.writestr("config.json", b"{}")
    refused(root / "crafted.keras", "'config.json'")


def test_an_archive_that_is_packed_again_loads(root):
    parts = members(root / "flow" / "model.keras")
    pack(root / "crafted.keras", parts, zipfile.ZIP_DEFLATED)
    zoo.load(root / "crafted.keras")


def external_link(file, group, name):
    group[name] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file, group, name):
    group[name] = h5py.SoftLink("/elsewhere")


def external_storage(file, group, name):
    group.create_dataset(name, (4,), "uint8", external=[("/etc/passwd", 0, 4)])


def virtual(file, group, name):
    layout = h5py.VirtualLayout((4,), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "data", (4,))
    group.create_virtual_dataset(name, layout)


def pickled(file, group, name):
    group[name] = np.void(pickle.dumps(print))


def shape_bomb(file, group, name):
    group.create_dataset(name, (2**40,), "float32", chunks=(2**20,), compression="gzip")


def text(file, group, name):
    group[name] = ["a", "b"]


H5 = (external_link, soft_link, external_storage, virtual, pickled, shape_bomb, text)


@pytest.mark.parametrize("craft", H5)
@pytest.mark.parametrize("root_group", [False, True])
def test_weights_that_lie_elsewhere_or_are_none(root, craft, root_group):
    parts = members(root / "flow" / "model.keras")
    content = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        group = file if root_group else file.require_group("flow_layers/act_norm")
        craft(file, group, "crafted")
    parts["model.weights.h5"] = content.getvalue()
    pack(root / "crafted.keras", parts)
    refused(root / "crafted.keras", "weights", "'crafted'")


def test_groups_in_a_circle(root):
    parts = members(root / "flow" / "model.keras")
    content = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        file["crafted"] = file["/"]
    pack(root / "crafted.keras", parts | {"model.weights.h5": content.getvalue()})
    zoo.load(root / "crafted.keras")


@pytest.mark.parametrize("value", [None, np.nan, np.inf])
def test_weights_that_are_missing_or_not_finite(root, value):
    parts = members(root / "flow" / "model.keras")
    content, found = io.BytesIO(parts["model.weights.h5"]), []
    with h5py.File(content, "r+") as file:
        file.visititems(lambda name, item: found.append(name) if is_array(item) else None)
        if value is None:
            del file[found[-1]]
        else:
            file[found[-1]][...] = value
    parts["model.weights.h5"] = content.getvalue()
    pack(root / "crafted.keras", parts)
    refused(root / "crafted.keras", "cannot be loaded as a flow")


def is_array(item):
    return isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and item.size > 0
