"""Finds a dataset by name and has it prepared, with every failure told in one line."""

import contextlib
import difflib
import io
import os
import pathlib
import tempfile

import tensorflow_datasets as tfds
from tensorflow_datasets.core import naming, read_only_builder, registered
from tensorflow_datasets.core.utils import tqdm_utils

from trainers.datasets.digits import Digits
from trainers.datasets.errors import OFFLINE, SHORT_NAMES, DatasetError, one_line, unusable
from trainers.datasets.natural_patches import NaturalPatches
from trainers.datasets.sklearn_tables import SklearnTables
from trainers.datasets.toy2d import Toy2d
from trainers.datasets.uci_density import UciDensity

OWN = {cls.name: cls for cls in (Digits, NaturalPatches, SklearnTables, Toy2d, UciDensity)}


def prepared_builder(name, data_dir=None, manual_dir=None):
    """Finds a dataset and makes sure that its files are there.

    What is already prepared is only read: that needs neither network nor write access. Datasets
    defined here (`OWN`) are generated offline; any other is downloaded by TFDS.

    Args:
        name: A TFDS name ("mnist", "toy2d/rings") or a config of ours alone ("rings", "power").
        data_dir: Where prepared datasets are, TFDS's default if None; or the very folder of one
            prepared dataset (the one that holds `dataset_info.json`).
        manual_dir: Files downloaded by hand, for the datasets that need them.

    Returns:
        A `tfds.core.DatasetBuilder` whose data are on disk.

    Raises:
        DatasetError: no such dataset, no network, or no place to write.
    """
    full_name = SHORT_NAMES.get(name, name)
    if data_dir is not None:
        data_dir = os.path.expanduser(os.fspath(data_dir))
        if pathlib.Path(data_dir, "dataset_info.json").is_file():
            return _from_folder(full_name, data_dir)
    builder = _find(full_name, name, data_dir)
    if not _is_prepared(builder):
        _prepare(builder, name, manual_dir)
    return builder


def _from_folder(name, folder):
    """The builder of one prepared dataset's own folder."""
    try:
        builder = tfds.builder_from_directory(folder)
    except Exception as error:
        raise DatasetError(f"{folder} holds no readable dataset: {one_line(error)}") from error
    held = builder.info.full_name  # such as toy2d/rings/1.0.0
    if not f"{held}/".startswith(name.replace(":", "/") + "/"):
        raise DatasetError(f"{folder} holds dataset {held!r}, but {name!r} was asked for")
    return builder


def _find(full_name, name, data_dir):
    try:
        parsed, kwargs = naming.parse_builder_name_kwargs(full_name, data_dir=data_dir)
        if parsed.name in OWN:
            return OWN[parsed.name](**kwargs)
        # Files first, so that a dataset prepared by an older or private builder is taken as it is.
        with contextlib.suppress(registered.DatasetNotFoundError):
            return read_only_builder.builder_from_files(full_name, data_dir=data_dir)
        return tfds.builder(full_name, data_dir=data_dir)
    except registered.DatasetNotFoundError:
        known = [*OFFLINE, *SHORT_NAMES, *tfds.list_builders(with_community_datasets=False)]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise unusable(f"unknown dataset {name!r}{hint}") from None
    except Exception as error:  # malformed names, unknown configs or versions, damaged folders
        raise unusable(f"dataset {name!r} cannot be loaded: {one_line(error)}") from error


def _prepare(builder, name, manual_dir):
    _require_writable(builder.data_dir, name)
    own = builder.name in OWN
    if not own:
        _require_network(builder, name)
    quick = own and builder.MANUAL_DOWNLOAD_INSTRUCTIONS is None
    config = tfds.download.DownloadConfig(manual_dir=manual_dir, try_download_gcs=not own)
    try:
        with _silence() if quick else contextlib.nullcontext():
            builder.download_and_prepare(download_config=config)
    except Exception as error:  # TFDS passes on whatever its downloaders and parsers raise
        if _is_prepared(builder):  # by another process, which was faster
            builder.info.read_from_directory(builder.data_dir)
            return
        if isinstance(error, DatasetError):
            raise
        raise unusable(f"dataset {name!r} cannot be prepared: {one_line(error)}") from error
    if not _is_prepared(builder):  # TFDS takes any folder of that name for the dataset
        raise DatasetError(f"{builder.data_dir} is incomplete; delete it to have it prepared again")


def _is_prepared(builder):
    # `builder.is_prepared()` says the same, with a warning for each dataset that is not there yet.
    return (builder.data_path / "dataset_info.json").exists()


def _require_writable(folder, name):
    """Raises in one line what TFDS would raise deep inside, and leaves nothing behind."""
    if "://" in folder:
        return
    existing = next(p for p in pathlib.Path(folder).absolute().parents if p.exists())
    try:
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        raise DatasetError(
            f"dataset {name!r} is not prepared yet and {existing} cannot be written "
            f"({error.strerror}); give a data_dir that can be written or already holds it"
        ) from error


def _require_network(builder, name):
    """Raises at once where TFDS would retry for minutes before it gives up."""
    urls = [url for url in builder.url_infos or () if url.startswith("http")]
    downloads = pathlib.Path(builder.data_dir_root, "downloads")
    if not urls or any(downloads.rglob("*.INFO")):  # nothing to fetch, or perhaps fetched before
        return
    import requests  # of TFDS

    try:
        requests.head(urls[0], timeout=10)
    except requests.ConnectionError as error:
        raise unusable(
            f"dataset {name!r} is not prepared in {builder.data_dir_root}, and there is no network "
            "to download it"
        ) from error
    except requests.RequestException:
        pass  # some server answered, in its way: TFDS can tell better what is wrong


@contextlib.contextmanager
def _silence():
    """Hides the banner and the progress bars of TFDS while ours are made, in a second or two."""
    active = getattr(tqdm_utils, "_active", True)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.display_progress_bar(active)
