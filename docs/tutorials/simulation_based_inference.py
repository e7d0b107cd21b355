# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Simulation-based inference
#
# A simulator draws data `x` given parameters `theta`, but its likelihood may be out of reach. A
# flow over `theta`, conditioned on `x` and trained on pairs of both, is the posterior of any data
# set at once: one call of `fit`, then samples and densities given any data. Three tasks whose
# posteriors can be drawn from exactly (Lueckmann et al., 2021, arXiv:2101.04653) show how near it
# comes.

# %%
import warnings

import keras
import numpy as np
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import zoo

warnings.simplefilter("ignore", ConvergenceWarning)
SIMULATIONS, EPOCHS = 10_000, 40
rng = np.random.default_rng(0)

# %% [markdown]
# ## Three simulators
#
# Each has a prior, a simulator, exact draws of the posterior for comparison, and the posterior's
# log-density where it is known.
#
# *Gaussian linear*: ten parameters with variance 0.1, each seen once with noise of the same
# variance.


# %%
class GaussianLinear:
    size = 10

    def prior(self, n):
        return rng.normal(0.0, 0.1**0.5, (n, 10))

    def simulate(self, theta):
        return rng.normal(theta, 0.1**0.5)

    def posterior(self, x, n):
        return rng.normal(x / 2, 0.05**0.5, (n, 10))

    def log_posterior(self, theta, x):
        return stats.norm(x / 2, 0.05**0.5).logpdf(theta).sum(axis=-1)


# %% [markdown]
# *Two moons*: the data are a point of a crescent, moved by the parameters in a way that two
# crescents of them explain. The crescent is solved for the parameters, half of the draws for each
# sign; its likelihood over both is the density, as long as the box of the prior cuts neither.


# %%
class TwoMoons:
    size = 2

    def prior(self, n):
        return rng.uniform(-1.0, 1.0, (n, 2))

    def crescent(self, n):
        a, r = rng.uniform(-np.pi / 2, np.pi / 2, n), rng.normal(0.1, 0.01, n)
        return np.stack([r * np.cos(a) + 0.25, r * np.sin(a)], axis=-1)

    def moves(self, theta):
        parts = [np.abs(theta[:, 0] + theta[:, 1]), theta[:, 0] - theta[:, 1]]
        return np.stack(parts, axis=-1) / 2**0.5

    def simulate(self, theta):
        return self.crescent(len(theta)) - self.moves(theta)

    def posterior(self, x, n):
        moved = self.crescent(n) - x
        sums, differences = moved[:, 0] * rng.choice([-1, 1], n), moved[:, 1]
        return np.stack([sums + differences, sums - differences], axis=-1) / 2**0.5

    def log_posterior(self, theta, x):
        r = np.hypot(*(x + self.moves(theta) - [0.25, 0.0]).T)
        return stats.norm(0.1, 0.01).logpdf(r) - np.log(2 * np.pi * r)


# %% [markdown]
# *SLCP*: four points of a normal distribution in the plane whose deviations are squares of
# parameters, so that the posterior has four modes. Exact draws are by rejection: with the mean
# integrated out, the likelihood of a covariance `S` is `|S|^(-3/2) exp(-tr(S^-1 C) / 2)`, `C` the
# scatter of the points, and largest at `S = C / 3`.


# %%
class SLCP:
    size = 5
    log_posterior = None

    def prior(self, n):
        return rng.uniform(-3.0, 3.0, (n, 5))

    def covariance(self, spread):
        first, second, correlation = *np.square(spread.T[:2]), np.tanh(spread.T[2])
        both = correlation * first * second
        parts = np.stack([first**2 + 1e-6, both, both, second**2 + 1e-6], axis=-1)
        return parts.reshape(-1, 2, 2)

    def points(self, theta, count):
        noise = rng.normal(size=(len(theta), count, 2))
        factor = np.linalg.cholesky(self.covariance(theta[:, 2:]))
        return theta[:, None, :2] + noise @ np.swapaxes(factor, 1, 2)

    def simulate(self, theta):
        return self.points(theta, 4).reshape(-1, 8)

    def posterior(self, x, n):
        points, found = x.reshape(4, 2), np.zeros((0, 5))
        mean, scatter = points.mean(axis=0), 3 * np.cov(points.T)
        most = -1.5 * (np.linalg.slogdet(scatter / 3)[1] + 2)
        while len(found) < n:
            theta = self.prior(100_000)
            covariance = self.covariance(theta[:, 2:])
            trace = (np.linalg.inv(covariance) * scatter).sum(axis=(1, 2))
            log_p = -1.5 * np.linalg.slogdet(covariance)[1] - 0.5 * trace
            theta = theta[np.log(rng.uniform(size=len(theta))) < log_p - most]
            around = np.concatenate([np.zeros((len(theta), 2)), theta[:, 2:]], axis=-1)
            theta[:, :2] = mean + self.points(around, 1)[:, 0] / 2  # A mean of four points.
            found = np.concatenate([found, theta[(np.abs(theta) <= 3).all(axis=-1)]])
        return found[:n]


# %% [markdown]
# ## The posterior is a conditional flow
#
# `standardize` puts the parameters in units of their spread, with densities in units of their own;
# data are divided by hand. A masked autoregressive flow with affine maps holds every Gaussian;
# bent and separate posteriors ask for splines.


# %%
class Posterior:
    """A flow over parameters given data in their units."""

    def __init__(self, task, family, **arguments):
        theta = task.prior(SIMULATIONS)
        x = task.simulate(theta)
        self.mean, self.deviation = x.mean(axis=0), x.std(axis=0)
        units = (theta.mean(axis=0), theta.std(axis=0))
        context_shape = (x.shape[1],)
        self.flow = family(
            (task.size,), context_shape=context_shape, standardize=units, seed=0, **arguments
        )
        theta, context = theta.astype("float32"), self.context(x)
        self.flow.adapt(theta[:1000], context[:1000])
        steps = EPOCHS * SIMULATIONS // 250
        schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
        optimizer = keras.optimizers.Adam(schedule, clipnorm=5.0)
        self.flow.compile(optimizer, steps_per_execution=8)
        self.flow.fit(theta, context, batch_size=250, epochs=EPOCHS, verbose=0)

    def context(self, x):
        return ((x - self.mean) / self.deviation).astype("float32")

    def sample(self, x, n, seed):
        """`n` draws for each data set, `[len(x), n, size]`."""
        context = np.repeat(self.context(x), n, axis=0)
        drawn = self.flow.sample(len(context), context, seed=seed)
        return np.reshape(drawn, (len(x), n, -1))

    def log_prob(self, theta, x):
        return np.asarray(self.flow.log_prob(theta.astype("float32"), self.context(x)))


splines = {"kind": "autoregressive", "num_layers": 4, "hidden_units": (64, 64)}
tasks = {"Gaussian linear": GaussianLinear(), "two moons": TwoMoons(), "SLCP": SLCP()}
posteriors = {
    "Gaussian linear": Posterior(
        tasks["Gaussian linear"], zoo.MAF, num_layers=2, hidden_units=(64, 64)
    ),
    "two moons": Posterior(tasks["two moons"], zoo.NSF, **splines),
    "SLCP": Posterior(tasks["SLCP"], zoo.NSF, **splines),
}

# %% [markdown]
# ## Three ways to check it
#
# - *C2ST*: how often a classifier tells the flow's draws from exact ones; 0.5 is best. Draws of
#   the prior, an answer that has learnt nothing, stand beside it. The classifier trains for 200
#   epochs at most; longer, it learns its draws by heart.
# - *KL*: `E[log p - log q]` over exact draws, nats, where `log p` is known.
# - *Simulation-based calibration*: among draws of its posterior, the rank of the parameters that
#   made a data set is uniform (Talts et al., 2018, arXiv:1804.06788). It needs no exact posterior:
#   this is what remains when the simulator is your own. It does not see a posterior that is too
#   wide for some data and too narrow for others, nor one that is the prior.


# %%
def c2st(exact, drawn):
    """Accuracy of a classifier, in five folds, both in units of the exact draws."""
    both = (np.concatenate([exact, drawn]) - exact.mean(axis=0)) / exact.std(axis=0)
    labels = np.repeat([0, 1], [len(exact), len(drawn)])
    width = 10 * exact.shape[1]
    classifier = MLPClassifier((width, width), max_iter=200, random_state=1)
    folds = KFold(5, shuffle=True, random_state=1)
    with threadpool_limits(1):  # Threads would wait for each other: the matrices are small.
        return cross_val_score(classifier, both, labels, cv=folds).mean()


def calibration(task, posterior, sets=200, draws=99):
    """Largest distance of the ranks of a parameter from uniform, and what it should stay below."""
    theta = task.prior(sets)
    drawn = posterior.sample(task.simulate(theta), draws, seed=2)
    ranks = (drawn < theta[:, None]).sum(axis=1) + rng.uniform(size=theta.shape)
    distances = [stats.kstest(column / (draws + 1), "uniform").statistic for column in ranks.T]
    return max(distances), stats.kstwo.ppf(1 - 0.05 / task.size, sets)


results = {}
for name, task in tasks.items():
    truth = np.full((1, task.size), 0.2) * np.arange(1, task.size + 1)[::-1] / task.size
    truth = truth + (name == "SLCP")  # Parameters that make the four points a cloud.
    x, n = task.simulate(truth), 1000
    exact = task.posterior(x[0], n)
    found = {
        "c2st": c2st(exact, posteriors[name].sample(x, n, seed=1)[0]),
        "prior": c2st(exact, task.prior(n)),
        "ks": calibration(task, posteriors[name]),
    }
    text = f"{name:>15}: C2ST {found['c2st']:.3f} (prior {found['prior']:.3f}), ranks "
    text += "off by {:.3f} (calibrated: below {:.3f})".format(*found["ks"])
    if task.log_posterior is not None:
        log_q = posteriors[name].log_prob(exact, np.repeat(x, n, axis=0))
        gaps = task.log_posterior(exact, x[0]) - log_q
        found["kl"], found["error"] = gaps.mean(), 2 * gaps.std() / n**0.5
        text += f", KL {found['kl']:.3f} ± {found['error']:.3f} nats"
    results[name] = found
    print(text)

# %% [markdown]
# With BayesFlow, which brings simulators, summary networks for data of any length and diagnostics,
# the same families are inference networks: see [inference.md](../inference.md).
