"""Cards are written from manifests alone, and those of the zoo are what the program writes."""

import json
import re
from pathlib import Path

import pytest

import zoo
from trainers.reports import card_head, card_recipe, cards
from zoo.saving import entries

ROOT = Path(__file__).parents[3] / "exported_models"
NAMES = [model.name for model in zoo.list_models(ROOT)]
FIGURE = {"mean": 1.25, "error": 0.5}


@pytest.mark.parametrize("name", NAMES)
def test_cards_of_the_zoo_are_those_of_their_manifests(name):
    text = (ROOT / name / "README.md").read_text(encoding="utf-8")
    assert text == cards.card(name, entries.read_manifest(ROOT / name))


@pytest.mark.parametrize("name", NAMES)
def test_the_class_that_a_card_shows_is_one_of_the_flow(name):
    text = (ROOT / name / "README.md").read_text(encoding="utf-8")
    classes = entries.read_manifest(ROOT / name)["model"]["num_classes"] or 0
    shown = {int(number) for number in re.findall(r"context=(\d+)", text)}
    assert bool(shown) == bool(classes) and all(number < classes for number in shown)


def test_the_head_is_that_of_a_model_card():
    model = {"family": "MAF", "event_shape": [2], "levels": None, "num_classes": 3}
    metadata = {"dataset": "toy2d/two_moons", "metrics": {"nats": FIGURE, "bits_per_dim": FIGURE}}
    assert card_head.head("maf-x", model, metadata).splitlines() == [
        *("---", "license: apache-2.0", "library_name: flow-zoo", "tags:"),
        *("  - normalizing-flow", "  - density-estimation", "  - keras"),
        *("  - tensorflow-probability", "  - maf", "  - class-conditional"),
        *("datasets:", "  - toy2d/two_moons", "metrics:", "  - nats", "model-index:"),
        *("  - name: maf-x", "    results:", "      - task:"),
        *("          type: tabular-density-estimation", "        dataset:"),
        *("          type: toy2d/two_moons", "          name: toy2d/two_moons"),
        *("          split: test", "        metrics:", "          - type: nats"),
        '            name: "log-likelihood of an event, nats"',
        *("            value: 1.25", "            error: 0.5", "---"),
    ]


def test_yaml_quotes_what_would_be_read_otherwise():
    lines = card_head.yaml({"a": "no", "b": "1.5", "c": "x: y", "d": "plain text", "e": ["-"]})
    assert lines == ['a: "no"', 'b: "1.5"', 'c: "x: y"', "d: plain text", "e:", '  - "-"']


def training(**more):
    told = {"recipe": "--model=maf\n--epochs=16", "epochs": 13, "best_epoch": 12}
    return told | {"training_seconds": 7300.0, "device": "2 CPU cores"} | more


def test_a_recipe_names_all_pieces_and_what_was_left_undone():
    pieces = [
        {"of": "maf-mnist", **training(epochs=24, bits_per_dim=FIGURE)},
        {"of": "elsewhere"},
    ]
    text = card_recipe.recipe("maf-mnist", training(history=pieces), {"training.png"})
    assert "1. `maf-mnist`: 24 epochs, 2.0 hours, 2 CPU cores, 1.250 bits per dimension, `" in text
    assert "2. `elsewhere`\n" in text and "All pieces together took 4.1 hours." in text
    assert "Trained for 13 epochs in 2.0 hours on 2 CPU cores; the weights are those" in text
    assert "before the end of its schedule, 16 epochs." in text and "training.png" in text
    assert "--flagfile=trainers/recipes/maf-mnist.flags --model_dir=runs/maf-mnist" in text
    text = card_recipe.recipe("none-such", training(epochs=16), set())
    assert "in `none-such.flags`, this trains it anew" in text and "schedule" not in text


def test_figures_stand_beside_the_published_ones():
    manifest = entries.read_manifest(ROOT / "nice-mnist")
    text = cards.card("nice-mnist", manifest)
    paper = zoo.list_models(ROOT, text="nice-mnist")[0].published[0]
    assert (
        f"| NICE | {paper.bits_per_dim} bits per dimension | 19,000,000 | {paper.source} |" in text
    )
    assert paper.source.startswith("Dinh et al., 2015 (arXiv:1410.8516)")
    assert "### Published" not in cards.card(
        "nice-digits", entries.read_manifest(ROOT / "nice-digits")
    )


def test_a_card_shows_the_quality_of_samples():
    manifest = json.loads((ROOT / "maf-digits" / "manifest.json").read_text(encoding="utf-8"))
    manifest["metadata"]["quality"] = {
        "frechet": {"recommended": 1.5, "1": 2.5},
        **{"floor": 0.25, "temperature": 0.8, "tried": [0.8, 1.0], "samples": 1000},
        **{"dataset": "digits", "classifier": 0.95},
        "accuracy": {"recommended": 0.5, "1": 0.25},
    }
    text = cards.card("maf-digits", manifest)
    for part in (
        "Recommended temperature: 0.8, of 0.8, 1 the",
        "95.0% of its test",
        "| 50.0% | 25.0% |",
    ):
        assert part in text
