# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Anomaly scores with a loaded flow
#
# A flow that knows what data look like tells what does not: minus its log-density is a score. A
# pretrained flow of handwritten digits is asked of images that were spoiled, of labels that were
# changed, and of images that fool a one-sided test.

# %%
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

import zoo
from trainers import datasets

flow = zoo.load("maf-digits")
data = datasets.load("digits", data_dir=tempfile.mkdtemp())
images, labels = data.numpy("test", labels=True)
known = data.numpy("validation")
print(f"{len(images)} test images {images.shape[1:]}, grey levels 0 to {flow.levels - 1}")

# %% [markdown]
# ## A score and its threshold
#
# Integers are dequantized with random noise; a mean over a few draws is a steadier score. The
# threshold is the one that a twentieth of the validation images exceed.


# %%
def score(x, context=None, draws=5):
    """Minus the mean log-density over draws of the noise, nats, `[n]`: higher is stranger."""
    x = np.asarray(x).astype("uint8")
    return -np.mean([flow.log_prob(x, context, seed=i) for i in range(draws)], axis=0)


usual = score(images)
threshold = np.quantile(score(known), 0.95)
alarms = np.mean(usual > threshold)
print(f"threshold {threshold:.1f} nats; it calls {alarms:.1%} of test images strange")

# %% [markdown]
# ## Spoiled images

# %%
rng = np.random.default_rng(0)
other = rng.permutation(len(images))
pixels = images.reshape(len(images), -1)
noisy = images + rng.normal(0, 3, images.shape)
spoiled = {
    "turned by 90°": np.rot90(images, axes=(1, 2)),
    "mirrored": images[:, :, ::-1],
    "negative": flow.levels - 1 - images,
    "noise of 3 levels": np.clip(np.round(noisy), 0, flow.levels - 1),
    "pixels shuffled": pixels[:, rng.permutation(64)].reshape(images.shape),
    "halves of two images": np.concatenate([images[:, :4], images[other][:, 4:]], axis=1),
}
areas = {}
for name, x in spoiled.items():
    strange = score(x)
    truth = np.repeat([0, 1], [len(usual), len(strange)])
    areas[name] = roc_auc_score(truth, np.concatenate([usual, strange]))
    print(
        f"{name:>22}: area under ROC {areas[name]:.3f}, caught {np.mean(strange > threshold):.1%}"
    )

# %% [markdown]
# Mirrored images and halves of two are the hard ones: their strokes are plausible, and some digits
# remain digits.
#
# ## Wrong labels
#
# The flow is conditional on the class. `log p(x | y) - log p(x)`, the density given a label against
# the mixture over labels, is `log p(y | x)` up to a constant: a small one says that the label is
# wrong. One label in ten is changed here.

# %%
changed = rng.random(len(labels)) < 0.1
given = np.where(changed, (labels + rng.integers(1, 10, len(labels))) % 10, labels)
doubt = score(images, given) - usual
label_area = roc_auc_score(changed, doubt)
worst = np.argsort(-doubt)[: changed.sum()]
print(f"area under ROC {label_area:.3f}")
print(f"of the {changed.sum()} most doubtful labels {np.mean(changed[worst]):.1%} were changed")

figure, axes = plt.subplots(1, 8, figsize=(9, 1.6))
for axis, i in zip(axes, worst[:8], strict=True):
    axis.imshow(images[i, ..., 0], cmap="gray_r")
    axis.set_title(f"given {given[i]}\nis {labels[i]}", fontsize=8)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## What is too likely
#
# A density is not a measure of resemblance: an image can be *more* likely than any real one, as
# whole sets of simple images are to flows of photographs (Nalisnick et al., 2019,
# arXiv:1810.09136). What comes from the centre of the latent is near to that here. The score
# above finds nothing wrong with it; a test with two sides may.

# %%
low, high = np.quantile(score(known), [0.025, 0.975])
centres = flow.to_levels(flow.sample(10, np.arange(10), seed=0, temperature=0.0)).numpy()
odd = {"test images": images, "centres of classes": centres, "a blank page": np.zeros((1, 8, 8, 1))}
caught = {}
for name, x in odd.items():
    found = score(x)
    caught[name] = {
        "one side": np.mean(found > threshold),
        "two sides": np.mean((found < low) | (found > high)),
    }
    shares = ", ".join(f"{test} {share:.0%}" for test, share in caught[name].items())
    print(f"{name:>18}: scores {found.min():.1f} to {found.max():.1f}; called strange: {shares}")
