"""What papers report of a family on a data set: published.json, each figure with its source."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

from zoo.saving import storage

_FILE = Path(__file__).with_name("published.json")
_TEXTS = ("family", "dataset", "model", "source")
_NUMBERS = ("bits_per_dim", "nats", "logit_nats", "error")
_FORM = {
    **dict.fromkeys(_TEXTS, str),
    **{f"{name}?": float for name in _NUMBERS},
    "parameters?": int,
    "note?": str,
}


@dataclasses.dataclass(frozen=True)
class Published:
    """A figure of a paper, on the test split.

    Attributes:
      family: Class of the flow, such as "MAF".
      dataset: What it was measured on, as TFDS names it.
      model: What the paper calls it, such as "MAF(5)".
      source: The paper, and its table where known.
      bits_per_dim: Bits per dimension, or `None`.
      nats: Log-likelihood of an event in the units of the data set, nats, or `None`.
      logit_nats: Log-likelihood of a dequantized image in logit space, nats, or `None`.
      error: What the paper gives after its ±, or `None`.
      parameters: Number of its parameters, or `None`.
      note: How it is to be read, or "".
    """

    family: str
    dataset: str
    model: str
    source: str
    bits_per_dim: float | None = None
    nats: float | None = None
    logit_nats: float | None = None
    error: float | None = None
    parameters: int | None = None
    note: str = ""


def published(family: str, dataset: str | None) -> tuple[Published, ...]:
    """The published figures of a family on a data set; the first is the one to show by itself."""
    return tuple(r for r in _records() if (r.family, r.dataset) == (family, dataset))


@functools.cache
def _records():
    records = storage.read_json(_FILE, figures=[_FORM])["figures"]
    known = {field.name for field in dataclasses.fields(Published)}
    return tuple(Published(**{k: v for k, v in r.items() if k in known}) for r in records)
