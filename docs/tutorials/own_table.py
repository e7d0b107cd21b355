# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A density of one's own table
#
# A table of positive measurements becomes a density, in the units of its columns and with samples
# that stay positive; held-out rows say how much better it is than a Gaussian and than a mixture.
# The table is scikit-learn's breast cancer data, shapes of cell nuclei of 569 patients; any
# `pandas.DataFrame` goes the same way.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.mixture import GaussianMixture

import zoo
from trainers import datasets

table = load_breast_cancer(as_frame=True).frame
COLUMNS = ["mean radius", "mean perimeter", "mean area", "mean smoothness", "mean compactness"]
table[COLUMNS].describe().round(3)

# %% [markdown]
# ## The data
#
# `from_dataframe` checks the columns, splits the rows and finds means and deviations. All columns
# are positive, over orders of magnitude: their bound is `"log"`.

# %%
data = datasets.from_dataframe(
    table, columns=COLUMNS, bounds=dict.fromkeys(COLUMNS, "log"), splits=[0.6, 0.2, 0.2]
)
print(*data.words, sep="\n")
train, validation, test = (data.numpy(split) for split in ("train", "validation", "test"))

# %% [markdown]
# ## The flow
#
# The table is small, so the flow is, and training ends where validation rows say so. Area and
# perimeter nearly follow from the radius: such ridges are what flows are good at.

# %%
keras.utils.set_random_seed(0)
flow = zoo.MAF(
    data.event_shape,
    bounds=data.bounds,
    standardize=data.standardize,
    num_layers=5,
    hidden_units=(64,),
    seed=0,
)
flow.adapt(train)
schedule = keras.optimizers.schedules.CosineDecay(5e-3, 1200)
flow.compile(keras.optimizers.AdamW(schedule, weight_decay=0.01, clipnorm=5.0))
stop = keras.callbacks.EarlyStopping("val_loss", patience=40, restore_best_weights=True)
history = flow.fit(
    data.batches("train", 64, shuffle=True, seed=0),
    validation_data=data.batches("validation", 128),
    epochs=200,
    callbacks=[stop],
    verbose=0,
).history
print(f"{len(history['loss'])} epochs, best validation loss {min(history['val_loss']):.3f} nats")

# %% [markdown]
# ## Beside a Gaussian and a mixture
#
# Both are fitted to the logarithms, with as many components as the validation rows prefer; the
# density of the columns themselves is that of their logarithms divided by the columns.


# %%
def of_mixture(components):
    """The log-densities `{split: [n]}`, nats, of a Gaussian mixture of log-columns."""
    model = GaussianMixture(components, reg_covar=1e-6, n_init=3, random_state=0)
    model.fit(np.log(train))
    rows = {"validation": validation, "test": test}
    return {s: model.score_samples(np.log(x)) - np.log(x).sum(axis=1) for s, x in rows.items()}


mixtures = {components: of_mixture(components) for components in range(1, 9)}
best = max(mixtures, key=lambda components: mixtures[components]["validation"].mean())
log_prob = {
    "one Gaussian": mixtures[1]["test"],
    f"{best} Gaussians": mixtures[best]["test"],
    "flow": flow.log_prob(test).numpy(),
}
for name, found in log_prob.items():
    error = 2 * found.std() / np.sqrt(len(found))
    print(f"{name:>12}: {found.mean():.3f} ± {error:.3f} nats a row")
for name in (f"{best} Gaussians", "one Gaussian"):
    gain = log_prob["flow"] - log_prob[name]
    gain_error = 2 * gain.std() / np.sqrt(len(gain))
    print(f"in pairs the flow is better than {name} by {gain.mean():.3f} ± {gain_error:.3f} nats")

# %% [markdown]
# ## New rows
#
# Samples have the table's columns and units, and are all positive. Bounds by logarithms have heavy
# tails: a thousand samples may have one or two that no table would.

# %%
new = data.frame(flow.sample(1000, seed=0))
print(new.agg(["min", "median", "max"]).round(3).to_string())
# How well a new row keeps to geometry: the area of a disc of its radius, over its area.
ratios = {
    "data": np.pi * table["mean radius"] ** 2 / table["mean area"],
    "samples": np.pi * new["mean radius"] ** 2 / new["mean area"],
}
for name, ratio in ratios.items():
    print(f"{name:>8}: disc over area {ratio.mean():.3f}, deviation {ratio.std():.3f}")

figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharex=True, sharey=True)
for axis, (name, rows) in zip(axes, {"data": table, "samples": new}.items(), strict=True):
    axis.scatter(rows["mean area"], rows["mean compactness"], s=4)
    axis.set(title=name, xlabel="mean area", xscale="log", yscale="log")
axes[0].set_ylabel("mean compactness")
plt.show()

# %% [markdown]
# `zoo.save(flow, "nuclei")` keeps the flow, `flow.export` serves it, and the same is done without
# Python by `flow-zoo train --dataset=csv:table.csv`.
