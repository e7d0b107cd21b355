"""The one error of the dataset room, and the names that always work."""

from trainers.datasets.toy_densities import TOYS

SKLEARN = ("breast_cancer", "wine")
OFFLINE = ("digits", *TOYS, *SKLEARN, "natural_patches/32x32", "natural_patches/8x8")
"""Datasets that need no download, by the names `load` takes."""

UCI = ("power", "gas", "hepmass", "miniboone", "bsds300")
SHORT_NAMES = {
    **{name: f"toy2d/{name}" for name in TOYS},
    **{name: f"sklearn_tables/{name}" for name in SKLEARN},
    **{name: f"uci_density/{name}" for name in UCI},
}
"""Names of ours that stand for a dataset and its config."""


class DatasetError(ValueError):
    """A dataset cannot be had or used; the message is one line that says what to do."""


def unusable(message):
    """A `DatasetError` that ends with the names of the datasets that need no download."""
    return DatasetError(f"{message}; datasets that need no download: {', '.join(OFFLINE)}")


def one_line(error, limit=200):
    """The message of any exception on one line, cut to `limit` characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    if "allow_pickle" in text:  # What NumPy advises to do about it runs what the file says.
        text = "it is no array of numbers"
    return text if len(text) <= limit else text[: limit - 3] + "..."
