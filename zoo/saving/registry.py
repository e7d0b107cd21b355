"""What there is to load: the folders searched for entries, their index, and its table."""

from __future__ import annotations

import dataclasses
import html
import os
from pathlib import Path

from zoo import config
from zoo.saving import storage
from zoo.saving.published import published
from zoo.typing import PathLike, Shape

INDEX = "index.json"
FIGURE = storage.any_of(None, {"mean": float, "error": float})
ENTRY = {
    "manifest": storage.sha256_form,
    "size": int,
    "family": str,
    "event_shape": [int],
    "parameters": int,
    "dataset": storage.any_of(None, str),
    "metrics": storage.any_of(None, {"bits_per_dim?": FIGURE, "nats?": FIGURE}),
}


@dataclasses.dataclass(frozen=True)
class ModelRecord:
    """One line of `list_models`: what a flow is, and how well it does on its test split.

    Attributes:
      name: What `zoo.load` takes.
      family: Class of the flow, such as "MAF".
      dataset: What it was trained on, or `None`.
      event_shape: Shape of one event.
      parameters: Number of trained scalars.
      bits_per_dim: (mean, two standard errors) on the test split, or `None`.
      nats: The same of the log-likelihood of one event, nats.
      size: Bytes of its model.keras.
      published: What papers report of this family on this data set, `Published` records.
    """

    name: str
    family: str
    dataset: str | None
    event_shape: tuple
    parameters: int
    bits_per_dim: tuple | None
    nats: tuple | None
    size: int
    published: tuple = ()

    @classmethod
    def from_index(cls, name, entry):
        """The record of one entry of an index.json."""
        figures = entry["metrics"] or {}
        bits_per_dim, nats = (
            (figures[key]["mean"], figures[key]["error"]) if figures.get(key) else None
            for key in ("bits_per_dim", "nats")
        )
        plain = {key: entry[key] for key in ("family", "dataset", "parameters", "size")}
        shape = tuple(entry["event_shape"])
        papers = published(entry["family"], entry["dataset"])
        figures = {"bits_per_dim": bits_per_dim, "nats": nats, "published": papers}
        return cls(name=name, event_shape=shape, **figures, **plain)

    def fits(self, family=None, dataset=None, event=None, text=None):
        """Whether this is what the filters of `list_models` ask for."""
        ours = "".join(f"{self.name} {self.family} {self.dataset}".lower().split("_"))
        known = (self.dataset or "").lower()
        return (
            (family is None or _family(family) == _family(self.family))
            and (dataset is None or dataset.lower() in (known, known.partition("/")[0]))
            and (event is None or tuple(event) == self.event_shape)
            and (text is None or all(_plain(word) in ours for word in text.split()))
        )

    def cells(self):
        """What the table shows of it, as text."""
        figures = (
            "-" if figure is None else f"{figure[0]:.3f} ± {figure[1]:.3f}"
            for figure in (self.bits_per_dim, self.nats)
        )
        papers = (figure for p in self.published if (figure := p.bits_per_dim or p.nats))
        shape = "x".join(map(str, self.event_shape))
        size = f"{self.size / 1e6:.2f} MB"
        dataset = self.dataset or "-"
        cells = (self.name, self.family, dataset, shape, f"{self.parameters:,}", *figures)
        return (*cells, f"{next(papers, '-')}", size)


class ModelTable(list):
    """A list of `ModelRecord` that prints as a table, in notebooks too."""

    header = (
        *("name", "family", "dataset", "event"),
        *("parameters", "bits/dim", "nats", "published", "size"),
    )
    _align = (str.ljust,) * 4 + (str.rjust,) * 5

    def __str__(self):
        rows = [self.header, *(record.cells() for record in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rows.insert(1, ["-" * width for width in widths])
        return "\n".join(
            "  ".join(f(c, w) for f, c, w in zip(self._align, row, widths, strict=True)).rstrip()
            for row in rows
        )

    __repr__ = __str__

    def to_markdown(self):
        """The table in Markdown, each name a link to its entry under `exported_models/`."""
        lines = [self.header, ["---"] * 4 + ["---:"] * 5]
        for record in self:
            name, *rest = record.cells()
            lines.append([f"[{name}](exported_models/{name})", *rest])
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

    def _repr_html_(self):
        def line(tag, cells):
            return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

        lines = [line("th", self.header), *(line("td", record.cells()) for record in self)]
        return f"<table>{''.join(lines)}</table>"


def list_models(
    root: PathLike | None = None,
    *,
    family: str | None = None,
    dataset: str | None = None,
    event: Shape | None = None,
    text: str | None = None,
) -> ModelTable:
    """The pretrained flows, read from the index alone: no model is loaded.

    Args:
      root: A folder of entries with its index.json. By default, every place where `zoo.load` looks
        for names: the folder that the environment variable FLOW_ZOO_DIR names, then the entries
        that came with the library.
      family: Only flows of this family: its class or its key of `zoo.MODELS`, in any case.
      dataset: Only flows of this data set, as in "mnist", "toy2d" or "toy2d/two_moons".
      event: Only flows over events of this shape, as in (28, 28, 1).
      text: Only flows in whose name, family or data set each of these words is found.

    Returns:
      A `ModelTable`: a list of `ModelRecord`, by name, that prints as a table. Its column
      "published" is what a paper reports of the family on the data set, in bits per dimension of
      images and in nats of points; `record.published` has all figures, with their sources.

    Raises:
      ValueError: A folder has no index, or one that cannot be read; or a filter is no text, or no
        shape.

    Example:
      >>> models = {model.name: model for model in zoo.list_models(dataset="digits")}
      >>> models["maf-digits"].family
      'MAF'
    """
    for name, value in (("family", family), ("dataset", dataset), ("text", text)):
        if not isinstance(value, str | None):
            raise ValueError(f"{name} must be text, got {config.shown(value)}.")
    event = None if event is None else config.shape("event", event, least=0)
    found = registered(roots() if root is None else [storage.path(root, "root")])
    records = (ModelRecord.from_index(name, entry) for name, (_, entry) in sorted(found.items()))
    return ModelTable(r for r in records if r.fits(family, dataset, event, text))


def _plain(text):
    return text.lower().replace("_", "")


def _family(text):
    return _plain(text).removesuffix("flow")  # "continuous" and "ContinuousFlow".


def roots():
    """The folders searched for names: the user's own first, then the library's."""
    package = Path(__file__).resolve().parent.parent
    # Beside the package in a source tree, inside it in an installed wheel.
    shipped = [package.parent / "exported_models", package / "exported_models"]
    own = os.environ.get("FLOW_ZOO_DIR")
    first = [storage.path(own, "FLOW_ZOO_DIR")] if own else []
    return first + [folder for folder in shipped if (folder / INDEX).is_file()]


def registered(folders):
    """`{name: (folder, its entry of the index)}` of all `folders`, the first one to win.

    Raises:
      ValueError: A folder has no index, or one that cannot be read.
    """
    found = {}
    for folder in reversed(folders):
        if not (folder / INDEX).is_file():
            raise ValueError(
                f"{folder} has no {INDEX}; expected a folder of entries and its index, as "
                "zoo.saving.update_index writes it."
            )
        found.update({name: (folder, entry) for name, entry in read_index(folder).items()})
    return found


def read_index(folder):
    """`{name: entry}` of a folder's index.json.

    Raises:
      ValueError: It cannot be read.
    """
    form = storage.each(ENTRY, storage.is_plain)
    return storage.read_json(folder / INDEX, models=form)["models"]
