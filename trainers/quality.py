"""How good samples of images are: `python -m trainers.quality --dataset=mnist`.

Trains a small classifier on the data set's training split, and measures by it the samples of every
entry of the zoo of that data set: the Fréchet distance of its features to those of test images, at
the temperature that is best on the validation split and at 1, and how many class-conditional
samples it gives their class. The floor is the distance of training to test images. All goes to the
entry's manifest; its card and samples.png are made anew, and `python docs/build.py` fills
docs/quality.md.
"""

import functools
import math
import sys
import time

import numpy as np

from trainers import evaluate
from trainers.reports import cards, markdown
from trainers.runs import common, files, metrics, options

BATCH = 250  # samples at a time


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    options.data_flags(fv)
    define.path("zoo_dir", "exported_models", "Folder of the entries, with their index.")
    define.list("models", None, "Names of entries; unset: all of the data set.")
    define.list("temperatures", ".6,.7,.8,.9,1", "Temperatures to choose from.")
    define.list("guidance", ".5,1,2", "Weights of guidance, of flows that have learned it.")
    define.integer("samples", 2000, "Samples at each temperature.", lower_bound=50)
    define.path(
        "classifier",
        None,
        "File of the classifier, .keras: written where it is not there, so that entries measured "
        "later are measured by the same one.",
    )
    define.integer("seed", 0, "Seed of classifier and samples.", lower_bound=0)


def main(args):
    """Measures as the flags say; returns nothing."""
    common.require(args, "dataset", "zoo_dir")
    temperatures = sorted({*_numbers("temperatures", args.temperatures, 2), 1.0})
    weights = _numbers("guidance", args.guidance, 100)
    root = files.writable(args, "zoo_dir")
    common.start_tensorflow()
    import zoo
    from trainers import datasets
    from zoo.saving import entries

    known = {model.name: model for model in zoo.list_models(root)}
    data = datasets.load(args.dataset, **options.data_arguments(args))
    names = args.models or [n for n, model in known.items() if model.dataset == data.name]
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"--models: {root} has no entry {unknown[0]}")
    if not names:
        raise ValueError(f"--zoo_dir={root} has no entry of {data.name}")
    judge = Judge(data, _classifier(args, data), args.samples, args.seed)
    print(f"classifier: right on {judge.accuracy:.2%} of the test split; floor {judge.floor:.3f}")
    for name in names:
        start, flow = time.monotonic(), zoo.load(root / name)
        found = judge.measure(flow, temperatures, weights)
        record(root / name, flow, data, found)
        entries.update_index(root)
        print(f"{name}: {line(found)} ({time.monotonic() - start:.0f} s)", flush=True)


def _numbers(name, texts, most):
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = [math.nan]
    if not all(0 < number <= most for number in numbers):
        raise ValueError(f"--{name} must be numbers above 0, to {most}, got {','.join(texts)}")
    return numbers


def _classifier(args, data):
    """The classifier of a file, or a new one."""
    import keras

    from trainers.reports import classifier

    path = args.classifier and files.path(args.classifier)
    if path and path.suffix != ".keras":
        raise ValueError(f"--classifier must end in .keras, got {path}")
    if path and path.is_file():
        return keras.saving.load_model(path, compile=False)
    model = classifier.train(data, args.seed)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save(path)
    return model


class Judge:
    """What samples of one data set are measured with.

    Args:
        data: The data set.
        model: Its classifier.
        samples: Samples at each temperature.
        seed: Seed of the samples.

    Attributes:
        accuracy: How many test images the classifier gives their label.
        floor: Fréchet distance of as many training images as samples to all test images.
    """

    def __init__(self, data, model, samples, seed=0):
        from trainers.reports import classifier

        self._frechet, self._see = classifier.frechet, functools.partial(classifier.look, model)
        self.data, self.samples, self.seed = data, samples, seed
        self.features = {}
        for split in ("test", "validation"):
            x, y = data.numpy(split, labels=True)
            self.features[split], guessed = self._see(x)
            if split == "test":
                self.accuracy = float(np.mean(guessed == y))
        x, y = data.numpy("train", labels=True)
        chosen = np.random.default_rng(seed).permutation(len(x))[:samples]
        # The classes of class-conditional samples are as frequent as those of images.
        self.labels = np.resize(y[chosen], samples)
        self.floor = self._distance(self._see(x[chosen])[0], "test")

    def _distance(self, features, split):
        return self._frechet(features, self.features[split])

    def _look(self, flow, temperature, seed, **guided):
        """(features, guessed labels, labels asked for or None) of samples."""
        labels = self.labels if flow.num_classes else None
        drawn = []
        for start, _, given, size in metrics.batches(self.labels, labels, BATCH):
            batch = flow.sample(
                *(min(BATCH, self.samples), given),
                seed=seed + start,
                temperature=temperature,
                **guided,
            )
            batch = np.asarray(batch)[:size]
            if broken := int((~np.isfinite(batch).reshape(size, -1).all(axis=1)).sum()):
                print(
                    f"{broken} of {size} samples at temperature {temperature} are not finite; what "
                    "is not a number of them counts as black",
                    file=sys.stderr,
                )
            drawn.append(np.asarray(flow.to_levels(np.nan_to_num(batch))))
        return *self._see(np.concatenate(drawn)), labels

    def measure(self, flow, temperatures, weights=()):
        """Finds the temperature that is best on validation data, and measures there and at 1.

        Args:
            flow: A flow of the data set.
            temperatures: Those to choose from, 1 among them.
            weights: Of guidance, to measure at that temperature if the flow can be guided.

        Returns:
            A dictionary that JSON can hold: "temperature", and what it was chosen from, "tried" and
            "validation"; "frechet" {"recommended", "1"} to test images and their "floor";
            "accuracy" {"recommended", "1"} of class-conditional samples, or None; "guided", a list
            of {"weight", "frechet", "accuracy"}; "classifier", its accuracy on the test split;
            "samples", "seed", "dataset".
        """
        metrics.check_fit(flow, self.data)
        validation = [
            self._distance(self._look(flow, t, 10**6 + self.seed)[0], "validation")
            for t in temperatures
        ]
        best = temperatures[int(np.argmin(validation))]
        distance, accuracy = {}, {}
        for key, temperature in {"1": 1.0, "recommended": best}.items():
            # Other samples than those it was chosen by.
            features, guessed, labels = self._look(flow, temperature, self.seed)
            distance[key] = self._distance(features, "test")
            accuracy[key] = None if labels is None else float(np.mean(guessed == labels))
        guided = []
        for weight in weights if metrics.is_guided(flow) else ():
            features, guessed, labels = self._look(flow, best, self.seed, guidance=weight)
            reached = float(np.mean(guessed == labels))
            frechet = self._distance(features, "test")
            guided.append({"weight": weight, "frechet": frechet, "accuracy": reached})
        return {
            **{"dataset": self.data.name, "samples": self.samples, "seed": self.seed},
            **{"classifier": self.accuracy, "floor": self.floor},
            **{"tried": temperatures, "validation": validation, "temperature": best},
            **{"frechet": distance, "accuracy": accuracy if flow.num_classes else None},
            "guided": guided,
        }


def record(folder, flow, data, found):
    """Writes what was found to an entry: its manifest, samples.png and card."""
    from zoo.saving import entries

    evaluate.draw(folder / "samples.png", flow, data, temperature=found["temperature"])
    entries.seal(folder, {"quality": found})
    common.write_text(folder / "README.md", cards.card(folder.name, entries.read_manifest(folder)))


def line(found):
    """The figures in a line."""
    best, plain = (found["frechet"][key] for key in ("recommended", "1"))
    text = f"temperature {found['temperature']:g}, Fréchet distance {best:.3f} (at 1: {plain:.3f})"
    if found["accuracy"]:
        text += f", {found['accuracy']['recommended']:.1%} of samples in their class"
    return text


def tables(root):
    """The tables of docs/quality.md: a part a data set, from the manifests of the entries.

    Args:
        root: Folder of the entries.

    Returns:
        Markdown.

    Raises:
        ValueError: Flows of one data set were measured by several classifiers, or on more and fewer
            samples: their distances are not comparable.
    """
    from zoo.saving import entries

    found = {}
    for path in sorted(root.glob("[!.]*/manifest.json")):
        metadata = entries.read_manifest(path.parent)["metadata"]
        if "quality" in metadata:
            found.setdefault(metadata["dataset"], []).append((path.parent.name, metadata))
    return "\n\n".join(_table(dataset, flows) for dataset, flows in sorted(found.items()))


def _table(dataset, flows):
    ways = {
        tuple(m["quality"][key] for key in ("classifier", "floor", "samples")) for _, m in flows
    }
    if len(ways) > 1:
        raise ValueError(
            f"flows of {dataset} were not measured alike: measure all of them with one "
            "--classifier and as many --samples"
        )
    rows = []
    for name, metadata in sorted(flows, key=lambda f: f[1]["quality"]["frechet"]["recommended"]):
        quality = metadata["quality"]
        accuracy = quality["accuracy"]
        rows.append(
            [
                f"[{name}](../exported_models/{name})",
                f"{metadata['metrics']['bits_per_dim']['mean']:.3f}",
                f"{quality['temperature']:g}",
                f"{quality['frechet']['recommended']:.2f}",
                f"{quality['frechet']['1']:.2f}",
                f"{accuracy['recommended']:.1%}, {accuracy['1']:.1%}" if accuracy else "–",
            ]
        )
        for guided in quality.get("guided", ()):
            name, temperature = (
                f"guided, weight {guided['weight']:g}",
                f"{quality['temperature']:g}",
            )
            figures = [f"{guided['frechet']:.2f}", "", f"{guided['accuracy']:.1%}"]
            rows.append([name, "", temperature, *figures])
    quality = flows[0][1]["quality"]
    rows.append(["training images (the floor)", "", "", f"{quality['floor']:.2f}", "", ""])
    header = [
        *("flow", "bits/dim", "temperature", "Fréchet distance", "at temperature 1"),
        "in their class, at either",
    ]
    text = (
        f"### {dataset}\n\n{quality['samples']:,} samples each; the classifier is right on "
        f"{quality['classifier']:.2%} of the test split.\n\n"
    )
    return text + markdown.table(rows, header, right=(1, 2, 3, 4, 5))


if __name__ == "__main__":
    common.run(define_flags, main)
