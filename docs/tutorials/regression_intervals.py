# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Regression with a conditional flow, and intervals that hold
#
# A regression predicts a mean; a conditional flow predicts the whole distribution of the answer
# given the features. In one dimension its quantiles are exact: the flow is increasing, so a
# quantile of the answer is the image of a quantile of the normal. Held-out rows then make its
# intervals hold what they promise. The data are the progression of diabetes in 442 patients, from
# scikit-learn.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from scipy import stats
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

import zoo

features, answers = load_diabetes(return_X_y=True)
features = (features / features.std(axis=0)).astype("float32")
answers = answers.astype("float32")[:, None]
rest, held_out = train_test_split(np.arange(len(answers)), test_size=220, random_state=0)
train, validation = train_test_split(rest, test_size=52, random_state=0)
print(f"{len(train)} train, {len(validation)} validation, {len(held_out)} held-out rows")

# %% [markdown]
# ## The flow
#
# One increasing spline of the answer, whose knots a network reads off the features.

# %%
keras.utils.set_random_seed(0)
mean, deviation = float(answers[train].mean()), float(answers[train].std())
flow = zoo.MAF(
    (1,),
    context_shape=features.shape[1:],
    standardize=([mean], [deviation]),
    transformer={"name": "spline", "num_bins": 6, "bound": 4.0},
    num_layers=1,
    hidden_units=(32,),
    seed=0,
)
flow.adapt(answers[train], features[train])
flow.compile(keras.optimizers.AdamW(2e-3, weight_decay=0.1, clipnorm=1.0))
stop = keras.callbacks.EarlyStopping("val_loss", patience=20, restore_best_weights=True)
history = flow.fit(
    answers[train],
    features[train],
    validation_data=(answers[validation], features[validation]),
    batch_size=32,
    epochs=200,
    callbacks=[stop],
    verbose=0,
).history
print(f"{len(history['loss'])} epochs, best validation loss {min(history['val_loss']):.3f} nats")

# %% [markdown]
# ## Is the distribution right?
#
# Beside it a linear regression with normal noise of one width; the better distribution gives the
# held-out answers the higher density.

# %%
linear = LinearRegression().fit(features[rest], answers[rest, 0])
width = (answers[rest, 0] - linear.predict(features[rest])).std(ddof=features.shape[1] + 1)
x, y = features[held_out], answers[held_out]
centre = linear.predict(x)
log_prob = {
    "linear": stats.norm(centre, width).logpdf(y[:, 0]),
    "flow": flow.log_prob(y, x).numpy(),
}
for name, found in log_prob.items():
    error = 2 * found.std() / np.sqrt(len(found))
    print(f"{name:>6}: {found.mean():.3f} ± {error:.3f} nats an answer")

# The flow is increasing: latents of a rising answer rise.
line = np.linspace(20, 350, 200, dtype="float32")[:, None]
latents = flow.encode(line, np.repeat(x[:1], 200, axis=0)).numpy()[:, 0]
assert (np.diff(latents) > 0).all()

# %% [markdown]
# ## Intervals
#
# The interval of a share goes from the latent `-q` to `q`, where `q` is the normal's quantile, if
# one believes the flow.


# %%
def interval(q):
    """The answers `(low, high)` at latents `-q` and `q` for each held-out row."""
    z = np.full((len(x), 1), q, "float32")
    return flow.decode(-z, x).numpy()[:, 0], flow.decode(z, x).numpy()[:, 0]


SHARES, coverage = (0.5, 0.8, 0.9), {}
for share in SHARES:
    q = stats.norm.ppf(0.5 + share / 2)
    intervals = {"linear": (centre - q * width, centre + q * width), "flow": interval(q)}
    for name, (low, high) in intervals.items():
        covered = (low <= y[:, 0]) & (y[:, 0] <= high)
        coverage[name, share] = covered.mean()
        error = 2 * np.sqrt(share * (1 - share) / len(x))
        print(
            f"{share:.0%} by {name:>6}: covers {covered.mean():.1%} (± {error:.1%} by chance), "
            f"mean width {np.mean(high - low):.1f}"
        )

# %% [markdown]
# ## Calibrated ones
#
# One need not believe the flow. With `q` the right order statistic of `|z|` on calibration rows
# that it has not seen, an interval covers a new answer with probability at least its share,
# whatever the flow is worth (split conformal prediction, Vovk et al., 2005). That is a mean over
# calibration rows too: here over a thousand divisions of the held-out rows into halves, one to
# calibrate, one to test.

# %%
sizes = np.abs(flow.encode(y, x).numpy()[:, 0])
rng = np.random.default_rng(0)


def conformal(sizes, share):
    """The latent that covers `share` of new rows, from `|z|` of calibration rows."""
    return np.sort(sizes)[int(np.ceil((len(sizes) + 1) * share)) - 1]


calibrated = {}
for share in SHARES:
    found = []
    for _ in range(1000):
        calibration, test = np.array_split(rng.permutation(sizes), 2)
        q = conformal(calibration, share)
        found.append((np.mean(test <= q), q))
    covers, latent = np.transpose(found)
    calibrated[share] = covers.mean()
    low, high = interval(latent.mean())
    least, most = np.quantile(covers, [0.05, 0.95])
    print(
        f"{share:.0%} calibrated: covers {covers.mean():.1%}, in nine of ten divisions "
        f"{least:.1%} to {most:.1%}, mean width {np.mean(high - low):.1f}"
    )

# %% [markdown]
# ## What they look like
#
# Widths differ from patient to patient, and a median need not lie in the middle of its interval.

# %%
low, high = interval(conformal(sizes, 0.8))
middle, _ = interval(0.0)
order = np.argsort(middle)
at = np.arange(len(order))
plt.figure(figsize=(8, 3.2))
plt.fill_between(at, low[order], high[order], alpha=0.3, label="80% interval, calibrated")
plt.plot(at, middle[order], label="median")
plt.plot(at, y[order, 0], ".", color="black", label="answers")
plt.xlabel("held-out rows, by their median")
plt.ylabel("progression")
plt.legend()
plt.show()
print(f"widths from {np.min(high - low):.0f} to {np.max(high - low):.0f}")
