"""A .keras file looked through before Keras opens it: whole, of bounded size, numbers only.

Keras itself extracts whatever files such an archive holds, and reads HDF5 datasets, which may be
links to other files or claim a size that they do not have.
"""

import io
import json
import math
import zipfile
import zlib

import h5py

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MEMBERS = {"metadata.json", CONFIG, WEIGHTS}
# Keras stores its members as they are; a user may have packed them again. Weights shrink by little,
# configurations tenfold.
MAX_RATIO, SMALL = 100, 1 << 20  # The ratio counts beyond a MiB.
MAX_CONFIG = 1 << 25  # bytes; those of the pretrained flows take 500, large mixtures some millions


def read(data):
    """Checks a .keras archive.

    Args:
      data: The bytes of the file.

    Returns:
      Its configuration, as JSON holds it, and the number of numbers among its weights.

    Raises:
      ValueError: It is truncated, altered, or nothing that Keras writes; without the path.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive.infolist())
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"the checksum of {damaged} is wrong")
            config = json.loads(archive.read(CONFIG))
            with h5py.File(io.BytesIO(archive.read(WEIGHTS)), "r") as weights:
                return config, _count_numbers(weights)
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from None
    except (zlib.error, KeyError, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"it cannot be read ({error})") from None


def _check_members(members):
    names = [member.filename for member in members]
    if sorted(names) != sorted(MEMBERS):
        others = [name for name in names if name not in MEMBERS or names.count(name) > 1]
        found = f"{others[0]!r}" if others else f"no {min(MEMBERS - set(names))!r}"
        raise ValueError(f"it holds {found}; a flow's has {', '.join(sorted(MEMBERS))} alone")
    for member in members:
        name, size = member.filename, member.file_size
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is packed in a way that Keras does not use")
        if size > max(MAX_RATIO * member.compress_size, SMALL):
            raise ValueError(
                f"{name} claims {size} bytes, packed into {member.compress_size}: more than the "
                f"{MAX_RATIO}-fold"
            )
        if name != WEIGHTS and size > MAX_CONFIG:
            raise ValueError(f"{name} claims {size} bytes, more than {MAX_CONFIG}")


def _count_numbers(weights):
    """The numbers in an HDF5 file, once all of them are seen to lie in it."""
    total, pending, seen = 0, [weights], set()
    while pending:
        group = pending.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            continue
        seen.add(address)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"its weights have a link elsewhere, {name!r}")
            item = group[name]
            if isinstance(item, h5py.Group):
                pending.append(item)
                continue
            total += _check_dataset(name, item)
    return total


def _check_dataset(name, item):
    if not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
        raise ValueError(f"its weights {name!r} lie in another file, or are no numbers")
    if item.shape is None or item.dtype.kind not in "biuf":
        raise ValueError(f"its weights {name!r} are no numbers, but {item.dtype}")
    count = math.prod(item.shape)
    stored = item.id.get_storage_size()
    if count * item.dtype.itemsize > max(MAX_RATIO * stored, SMALL):
        raise ValueError(
            f"its weights {name!r} claim the shape {list(item.shape)}, and take {stored} bytes"
        )
    return count
