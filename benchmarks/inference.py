"""Flows beside BayesFlow's own coupling flow, in BayesFlow's workflow; needs the extra bayesflow.

`python -m benchmarks.inference --model_dir=runs/inference`

Each cell is one network trained on one task of `benchmarks.simulators`: the same simulations,
epochs, batches, optimizer, schedule and seed. A cell that is finished is only read, so the same
command completes the table.
"""

import math
import time

import numpy as np

from benchmarks.simulators import TASKS
from trainers.reports import markdown
from trainers.runs import common, files, metrics, options

# name -> (what stands in the table, family and arguments; None: BayesFlow's, and its arguments)
NETWORKS = {
    "coupling": ("BayesFlow coupling, affine", None, {}),
    "coupling_spline": ("BayesFlow coupling, spline", None, {"transform": "spline"}),
    "maf": ("MAF, 5 layers", "maf", {"num_layers": 5, "hidden_units": (160, 160)}),
    "nsf": (
        "NSF, autoregressive, 5 layers",
        "nsf",
        {"kind": "autoregressive", "num_layers": 5, "hidden_units": (128, 128)},
    ),
    "naf": (
        "NAF, 3 layers",
        "naf",
        {"num_layers": 3, "hidden_units": (128, 128), "num_units": 8},
    ),
    "residual": (
        "residual, 10 layers",
        "residual_flow",
        {"num_layers": 10, "hidden_units": (128, 128)},
    ),
    "continuous": (
        "continuous, by likelihood",
        "continuous",
        {"hidden_units": (128, 128, 128)},
    ),
}
FEW = ("coupling", "coupling_spline", "maf", "nsf", "naf")
# Flags that all cells of a table have in common.
SAME = ("simulations", "epochs", "batch_size", "observations", "samples", "ranks", "draws", "seed")


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    define.path("model_dir", None, "Folder of the cells, one file each.")
    define.list("tasks", list(TASKS), "Tasks; the table shows those that are finished.")
    define.list("networks", list(FEW), f"Networks, of {', '.join(NETWORKS)}.")
    define.integer("simulations", 10_000, "Simulations to train on.", lower_bound=2)
    define.integer("epochs", 50, "Passes over them.", lower_bound=1)
    define.integer("batch_size", 128, "Simulations a step.", lower_bound=1)
    define.integer("observations", 5, "Data sets whose posteriors are compared.", lower_bound=2)
    define.integer("samples", 1000, "Draws of each posterior for it.", lower_bound=50)
    define.integer("ranks", 300, "Simulations for calibration.", lower_bound=2)
    define.integer("draws", 100, "Draws of each posterior for it.", lower_bound=1)
    define.integer("seed", 0, "Seed of simulations, weights and draws.", lower_bound=0)
    define.path("page", None, "Page with a part <!-- inference: ... --> to fill.")


def main(args):
    """Trains what is missing, and prints the table."""
    common.require(args, "model_dir", "tasks", "networks")
    for flag, known in (("tasks", TASKS), ("networks", NETWORKS)):
        if unknown := sorted(set(getattr(args, flag)) - set(known)):
            raise ValueError(f"--{flag} must be of {', '.join(known)}; got {unknown[0]}")
    root = files.writable(args, "model_dir")
    common.start_tensorflow()
    for task in args.tasks:
        for name in args.networks:
            path = root / f"{task}-{name}.json"
            if not path.is_file():
                found = cell(task, name, args)
                root.mkdir(parents=True, exist_ok=True)
                common.write_json(path, found | {flag: getattr(args, flag) for flag in SAME})
                print(f"{path.stem}: {found['seconds']:.0f} s", flush=True)
    text = table(root)
    print(text)
    if args.page:
        markdown.fill(args.page, "inference", text)


def cell(task, name, args):
    """Trains one network on one task, and measures it."""
    import keras

    task, rng = TASKS[task], np.random.default_rng(args.seed)
    theta = task.prior(rng, args.simulations)
    data = single(theta=theta, x=task.simulate(rng, theta))
    keras.utils.set_random_seed(args.seed)
    workflow, before = workflow_of(name), time.perf_counter()
    workflow.fit_offline(data, epochs=args.epochs, batch_size=args.batch_size, verbose=0)
    found = {
        "seconds": time.perf_counter() - before,
        "parameters": sum(math.prod(w.shape) for w in workflow.inference_network.trainable_weights),
    }
    # Another stream: the same for all networks, whatever is trained.
    return found | measures(task, workflow, np.random.default_rng(args.seed + 1), args)


def workflow_of(name):
    """A workflow of BayesFlow's around a network; all it standardizes, and nothing else changed."""
    import bayesflow

    from zoo.integrations.bayesflow import FlowNetwork

    _, family, arguments = NETWORKS[name]
    if family is None:
        network = bayesflow.networks.CouplingFlow(**arguments)
    else:
        network = FlowNetwork(family, **arguments)
    return bayesflow.BasicWorkflow(
        inference_network=network,
        inference_variables=["theta"],
        inference_conditions=["x"],
        standardize="all",
    )


def measures(task, workflow, rng, args):
    """C2ST, divergence and calibration of a trained workflow.

    Returns:
        `c2st` and `kl` are figures over observations, `kl` None where the posterior's density is
        not known; `nll` is a figure over the simulations for calibration; `ks` is a number.
    """
    theta = task.prior(rng, args.observations)
    x = task.simulate(rng, theta)
    drawn = draw(workflow, x, args.samples, args.seed)
    scores, gaps = [], []
    for given, samples in zip(x, drawn, strict=True):
        exact = task.posterior(rng, given, args.samples)
        scores.append(c2st(exact, samples))
        if task.log_posterior is not None:
            pairs = single(theta=exact, x=np.tile(given, (len(exact), 1)))
            log_q = np.reshape(workflow.log_prob(pairs), -1)
            gaps.append(np.mean(task.log_posterior(rng, exact, given) - log_q))
    theta = task.prior(rng, args.ranks)
    x = task.simulate(rng, theta)
    ranks = (draw(workflow, x, args.draws, args.seed) < theta[:, None]).sum(axis=1)
    return {
        "c2st": figure(scores),
        "kl": figure(gaps) if gaps else None,
        "nll": figure(-np.reshape(workflow.log_prob(single(theta=theta, x=x)), -1)),
        "ks": distance_of_ranks(rng, ranks, args.draws),
    }


def single(**arrays):
    """Arrays in single precision, in which all networks compute."""
    return {key: value.astype("float32") for key, value in arrays.items()}


def draw(workflow, x, n, seed):
    """`n` draws a data set, `[len(x), n, size]`."""
    return workflow.sample(num_samples=n, conditions=single(x=x), seed=seed)["theta"]


def c2st(reference, samples, most=10_000):
    """Accuracy with which a classifier tells draws from exact ones: 0.5 where it cannot.

    Lopez-Paz and Oquab (2017), in the form of Lueckmann et al. (2021, arXiv:2101.04653): both in
    units of the reference, two hidden layers of ten times the dimension, five folds, `most` passes.
    """
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.neural_network import MLPClassifier

    width, mean, deviation = 10 * reference.shape[1], reference.mean(axis=0), reference.std(axis=0)
    # Draws far out, or that are no number, are told apart as well at 1e3.
    rows = (np.concatenate([reference, samples]) - mean) / deviation
    rows = np.clip(np.nan_to_num(rows, nan=1e3), -1e3, 1e3)
    labels = np.repeat([0, 1], [len(reference), len(samples)])
    classifier = MLPClassifier((width, width), max_iter=most, random_state=1)
    folds = KFold(5, shuffle=True, random_state=1)
    return float(np.mean(cross_val_score(classifier, rows, labels, cv=folds)))


def distance_of_ranks(rng, ranks, draws):
    """Largest Kolmogorov-Smirnov distance of the ranks of one parameter from uniform ones.

    Simulation-based calibration (Talts et al., 2018, arXiv:1804.06788): the rank of the parameters
    that made a data set, among as many draws of its posterior, is uniform.

    Args:
        rng: What ties within a rank are broken by.
        ranks: `[n, size]`, from 0 to `draws`.
        draws: Number of draws of each posterior.
    """
    from scipy import stats

    uniform = (ranks + rng.uniform(size=ranks.shape)) / (draws + 1)
    return max(float(stats.kstest(column, "uniform").statistic) for column in uniform.T)


def threshold(n, size):
    """What the distance of calibrated ranks stays below 95 times of 100, `size` at a time."""
    from scipy import stats

    return float(stats.kstwo.ppf(1 - 0.05 / size, n))


def figure(values):
    """Mean and two standard errors."""
    values = np.asarray(values, np.float64)
    error = 2 * values.std(ddof=1) / math.sqrt(len(values))
    return {"mean": float(values.mean()), "error": float(error)}


def table(root):
    """The table of the finished cells in a folder.

    Raises:
        ValueError: There are none, or they were made by different flags.
    """
    rows, common_flags = [], {}
    for task_name, task in TASKS.items():
        for name, (words, *_) in NETWORKS.items():
            path = root / f"{task_name}-{name}.json"
            if path.is_file():
                found = files.read_json(path, **dict.fromkeys(SAME, int))
                common_flags[path.stem] = {flag: found[flag] for flag in SAME}
                rows.append([task.name, words, *figures(found, task)])
    if not rows:
        raise ValueError(f"no cell in {root} is finished")
    first, *others = common_flags.items()
    for stem, flags in others:
        if flags != first[1]:
            raise ValueError(f"{first[0]} and {stem} were made by different flags")
    header = ["task", "network", "parameters", "C2ST", "KL, nats", "−log q, nats", "SBC", "s"]
    shared = ", ".join(f"`--{flag}={value}`" for flag, value in first[1].items())
    return (
        markdown.table(rows, header, right=(2, 7)) + "\n\nC2ST: accuracy of a classifier between "
        "exact draws and the network's, 0.5 is best. KL: of the exact posterior from the "
        "network's, where its density is known. −log q: of parameters given their data, new "
        "simulations. SBC: largest Kolmogorov–Smirnov distance of a parameter's ranks from "
        "uniform ones, behind it what calibrated ranks stay below in 95 of 100 cases. ± is two "
        "standard errors, of C2ST and KL over observations. s: seconds of training, compilation "
        f"with it. All cells: {shared}; BayesFlow's optimizer and schedule, all standardized."
    )


def figures(found, task):
    """The cells of a row behind its names."""

    def shown(one):
        if one is None:
            return "–"
        return "infinite" if None in one.values() else metrics.shown(one, 3)

    limit = threshold(found["ranks"], task.size)
    return [
        f"{found['parameters']:,}",
        shown(found["c2st"]),
        shown(found["kl"]),
        shown(found["nll"]),
        f"{found['ks']:.3f} ({'<' if found['ks'] < limit else '>'} {limit:.3f})",
        f"{found['seconds']:.0f}",
    ]


if __name__ == "__main__":
    common.run(define_flags, main)
