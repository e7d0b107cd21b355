"""Fills the generated parts of the pages: `python docs/build.py`, or `make tables`.

Tables come from exported_models/index.json and the entries beside it, the gallery from gallery/.
Nothing is trained or measured. docs/benchmarks.md is written by `make bench`.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import zoo  # noqa: E402
from trainers import compare, quality  # noqa: E402
from trainers.reports import gallery_pages, markdown  # noqa: E402

ENTRIES = ROOT / "exported_models"
# The entries that README shows.
SHOWN = (
    "tarflow-fashion_mnist",
    "glow-fashion_mnist",
    "realnvp-fashion_mnist",
    "maf-mnist",
    "made-mnist",
    "nice-mnist",
    "nsf-digits",
    "residualflow-digits",
    "continuous-digits",
    "maf-two_moons",
)


def parts():
    """The generated text: pairs of a page and the name of a part of it, each with its Markdown."""
    models = zoo.list_models(ENTRIES)
    everything = models.to_markdown().replace("](exported_models/", "](../exported_models/")
    flows = [flow for folder in compare.folders([f"{ENTRIES}/*"]) if (flow := compare.read(folder))]
    digits = compare.table([flow for flow in flows if flow["dataset"] == "digits"])
    gallery = gallery_pages.section(ROOT / "gallery", ROOT / "docs/gallery.md")
    return {
        ("README.md", "models"): front_table(models),
        ("docs/pretrained.md", "models"): everything,
        ("docs/pretrained.md", "digits"): digits,
        ("docs/gallery.md", "gallery"): gallery,
        ("docs/quality.md", "quality"): quality.tables(ENTRIES),
    }


def front_table(models):
    """The entries in `SHOWN`, in fewer columns than `list_models` has."""
    known, rows = {model.name: model for model in models}, []
    for name in SHOWN:
        model = known[name]
        image = len(model.event_shape) == 3
        figure, unit = (model.bits_per_dim, "bits/dim") if image else (model.nats, "nats")
        shown = f"{figure[0]:.3f} ± {figure[1]:.3f} {unit}"
        link = f"[{name}](exported_models/{name})"
        papers = (value for p in model.published if (value := p.bits_per_dim if image else p.nats))
        cells = [link, f"`{model.family}`", model.dataset, f"{model.parameters:,}", shown]
        rows.append([*cells, f"{next(papers, '–')}"])
    header = ["name", "family", "data", "parameters", "test split", "published"]
    return markdown.table(rows, header, right=(3, 4, 5))


def main():
    """Fills every part."""
    for (page, part), text in parts().items():
        markdown.fill(ROOT / page, part, text)
        print(f"filled: {page}, {part}")


if __name__ == "__main__":
    main()
