"""Draws what a flow of images knows: `python -m trainers.explore --model=glow-fashion_mnist
--dataset=fashion_mnist --output_dir=pictures`.

temperatures.png     samples, a column a temperature
interpolations.png   paths through the latent between two test images, a row each
attribute.png        test images moved along the direction from one label to another
classes.png          a row of samples a class, of class-conditional flows
guidance.png         samples, a column a weight of guidance, of flows that learned it
reconstructions.png  test images above, decode(encode(x)) below
likelihoods.png      histograms of the log-likelihood, of the test split and of other data

--pictures chooses among them. The figures beside the pictures are printed and go to explore.json.
"""

import numpy as np

from trainers.reports import outside, pictures, views
from trainers.runs import arguments, common, entries, files, metrics, options

PICTURES = (
    "temperatures",
    "interpolations",
    "attribute",
    "classes",
    "guidance",
    "reconstructions",
    "likelihoods",
)


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    options.trained_model_flags(fv)
    options.data_flags(fv)
    define.path("output_dir", None, "Folder for the pictures.")
    define.list("pictures", None, f"Which, of {', '.join(PICTURES)}; unset: all that apply.")
    define.integer("rows", 8, "Rows of a picture.", lower_bound=1)
    define.list("temperatures", "0,.25,.6,.7,.8,.9,1", "Temperatures of the strip.")
    define.list("weights", "0,.5,1,2,4", "Weights of guidance.")
    define.integer("interpolation_steps", 10, "Images on a path, ends included.", lower_bound=2)
    define.list(
        "ends", None, "Two numbers of test images to go between; unset: neighbours, a path a row."
    )
    define.integer("negative", 0, "Label without the attribute.")
    define.integer("positive", 1, "Label with the attribute.")
    define.list("strengths", "-1,-.5,0,.5,1", "Multiples of the attribute's direction.")
    define.list(
        "outside",
        None,
        "Data sets for likelihoods beside the flow's own; unset: those without a download.",
    )
    define.integer("examples", 1000, "Examples a data set or label.", lower_bound=2)
    define.integer("seed", 0, "Seed of samples and noise.", lower_bound=0)


def main(args):
    """Draws as the flags say; returns nothing."""
    common.require(args, "model", "dataset", "output_dir")
    files.writable(args, "output_dir")
    for name in ("temperatures", "strengths", "weights"):
        _numbers(args, name)
    chosen = _chosen(args.pictures)
    entries.folder(args.model)
    arguments.check_data(args, args.model)
    common.start_tensorflow()
    import zoo
    from trainers import datasets

    flow = zoo.load(args.model)
    if not pictures.is_image(flow.event_shape) or flow.levels is None:
        raise ValueError(
            f"--model must be a flow of images, with levels; events of {args.model} have the shape "
            f"{tuple(flow.event_shape)}: see trainers.evaluate"
        )
    data = datasets.load(args.dataset, **arguments.arguments_of_data(args, args.model))
    metrics.check_fit(flow, data)
    explorer = Explorer(flow, data, args)
    explorer.draw(chosen)
    print(common.table(explorer.rows, header=("picture", "what it shows")))


def _numbers(args, name):
    texts = args[name].value
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = None
    if not numbers:
        given = ",".join(texts) or "nothing"
        raise ValueError(f"--{name} must be numbers with commas, got {given}")
    return numbers


def _chosen(names):
    if unknown := sorted(set(names or ()) - set(PICTURES)):
        raise ValueError(f"--pictures must be of {', '.join(PICTURES)}; got {unknown[0]}")
    return names


class Explorer:
    """The pictures of one flow, and in `rows` what they show.

    Args:
        flow: A flow of images with levels.
        data: Its data set.
        args: Parsed flags of this program.
    """

    def __init__(self, flow, data, args):
        if metrics.is_bound(flow):
            raise ValueError("pictures of latents are for flows, whose encoding is exact")
        self.flow, self.data, self.args = flow, data, args
        self.temperatures, self.strengths, self.weights = (
            _numbers(args, name) for name in ("temperatures", "strengths", "weights")
        )
        self.folder = files.path(args.output_dir)
        self.rows, self.figures = [], {}

    def draw(self, chosen=None):
        """Draws the chosen pictures, or all that this flow and its data have.

        Raises:
            ValueError: If a chosen picture needs what they do not have.
        """
        lacking = {name: self._lacking(name) for name in chosen or PICTURES}
        for name, what in lacking.items():
            if what and chosen:
                raise ValueError(f"--pictures={name} needs {what}")
        for name, what in lacking.items():
            if not what:
                getattr(self, f"_{name}")()
        common.write_json(self.folder / "explore.json", self.figures)

    def _lacking(self, name):
        """What a picture needs and is not there, or None."""
        if name == "classes" and not self.flow.num_classes:
            return "a class-conditional flow"
        if name == "guidance" and not metrics.is_guided(self.flow):
            return "a flow that was trained with label_dropout"
        if name == "attribute" and not self.data.num_classes:
            return f"labels, and {self.data.name} has none"
        return None

    def _write(self, name, picture, text):
        path = self.folder / f"{name}.png"
        pictures.save_png(picture, path)
        self.rows.append((path, text))

    def _test(self, limit):
        """Test images, and their labels where the flow takes some, else None."""
        return metrics.arrays(self.data, "test", bool(self.flow.num_classes), limit)

    def _temperatures(self):
        picture = views.temperature_strip(
            self.flow, self.temperatures, self.args.rows, self.args.seed
        )
        text = "samples at temperatures " + ", ".join(f"{t:g}" for t in self.temperatures)
        self._write("temperatures", picture, text)

    def _interpolations(self):
        first, second = self._ends()
        x, labels = self._test(max(max(first), max(second)) + 1)
        # One context for both ends: those of a class-conditional flow are of one class.
        context = None if labels is None else labels[first]
        picture = views.interpolation_picture(
            self.flow, x[first], x[second], self.args.interpolation_steps, context
        )
        pairs = ", ".join(f"{a}-{b}" for a, b in zip(first, second, strict=True))
        self._write("interpolations", picture, f"between test images {pairs}")

    def _ends(self):
        """Numbers of the test images that paths begin and end at."""
        count = self.data.num_examples("test")
        if self.args.ends:
            numbers = [int(t) if t.strip().isdecimal() else count for t in self.args.ends]
            if len(numbers) != 2 or max(numbers) >= count:
                raise ValueError(
                    f"--ends must be two numbers of test images, 0 to {count - 1}, got "
                    f"{','.join(self.args.ends)}"
                )
            return numbers[:1], numbers[1:]
        if not self.flow.num_classes:
            rows = min(self.args.rows, count // 2)
            return list(range(0, 2 * rows, 2)), list(range(1, 2 * rows, 2))
        labels = self.data.numpy("test", labels=True)[1]
        found = [[i for i, y in enumerate(labels) if y == c][:2] for c in range(self.args.rows)]
        pairs = [pair for pair in found if len(pair) == 2]
        return [a for a, _ in pairs], [b for _, b in pairs]

    def _attribute(self):
        chosen = {}
        x, labels = self.data.numpy("train", labels=True)
        for name in ("positive", "negative"):
            label = self.args[name].value
            chosen[name] = x[labels == label][: self.args.examples]
            if not len(chosen[name]):
                raise ValueError(
                    f"--{name} must be a label of {self.data.name}, 0 to "
                    f"{self.data.num_classes - 1}, with examples; got {label}"
                )
        conditional = bool(self.flow.num_classes)
        contexts = [self.args[n].value if conditional else None for n in ("positive", "negative")]
        direction = self.flow.attribute_direction(
            chosen["positive"], chosen["negative"], contexts=contexts
        )
        x, labels = self.data.numpy("test", labels=True)
        shown = x[labels == self.args.negative][: self.args.rows]
        context = np.full(len(shown), self.args.negative) if conditional else None
        picture = views.attribute_picture(self.flow, shown, direction, self.strengths, context)
        self.figures["attribute"] = {"direction_norm": float(np.linalg.norm(direction))}
        text = f"label {self.args.negative} towards {self.args.positive}, strengths " + ", ".join(
            f"{s:g}" for s in self.strengths
        )
        self._write("attribute", picture, text)

    def _classes(self):
        picture = pictures.sample_picture(self.flow, seed=self.args.seed)
        self._write("classes", picture, f"a row a class, {self.flow.num_classes} classes")

    def _guidance(self):
        rows, seed = self.flow.num_classes, self.args.seed
        picture = views.guidance_strip(self.flow, self.weights, rows, seed)
        text = "samples guided by weights " + ", ".join(f"{w:g}" for w in self.weights)
        self._write("guidance", picture, text)

    def _reconstructions(self):
        picture, worst = views.reconstruction_picture(self.flow, *self._test(2 * self.args.rows))
        self.figures["reconstructions"] = {"largest_error": worst}
        self._write("reconstructions", picture, f"largest error {worst:.1e} grey levels")

    def _likelihoods(self):
        names = self.args.outside or outside.default_names(self.data)
        sets = {f"{self.data.name} (test)": self._test(self.args.examples)[0]}
        for name in names:
            sets[name] = outside.load(name, self.flow, self.args.data_dir, self.args.examples)
        bits = {n: metrics.bits_per_dim(self.flow, x, self.args.seed) for n, x in sets.items()}
        own = next(iter(bits.values()))
        self.figures["likelihoods"] = {
            name: metrics.mean_and_error(b)
            | {"likelier_than_test": metrics.share_below(b, own), "examples": len(b)}
            for name, b in bits.items()
        }
        text = ", ".join(
            f"{name} {f['mean']:.2f} bits/dim" for name, f in self.figures["likelihoods"].items()
        )
        self._write("likelihoods", views.likelihood_histogram(bits), text)


if __name__ == "__main__":
    common.run(define_flags, main)
