# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Images and temperature
#
# A flow draws an image by drawing a latent and decoding it. The temperature scales the latent:
# below 1, images are more typical and less varied. Two pretrained flows show it, one to look at,
# and one with classes to count with.

# %%
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.svm import SVC

import zoo
from trainers import datasets

TEMPERATURES = (0.5, 0.7, 0.85, 1.0)


def show(rows, titles):
    """A row of grey images for each title: `rows [r, n, height, width, 1]`."""
    figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(9, 1.05 * len(rows)))
    for line, images, title in zip(axes, rows, titles, strict=True):
        for axis, image in zip(line, images, strict=True):
            axis.imshow(image[..., 0], cmap="gray_r")
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    plt.show()


# %% [markdown]
# ## Clothes at four temperatures
#
# The same latents, scaled: the first ones of seed 0, none chosen by hand.

# %%
clothes = zoo.load("glow-fashion_mnist")
drawn = [clothes.to_levels(clothes.sample(10, seed=0, temperature=t)).numpy() for t in TEMPERATURES]
show(drawn, [f"{t}" for t in TEMPERATURES])
bits = {}
for t, x in zip(TEMPERATURES, drawn, strict=True):
    bits[t] = float(np.mean(clothes.bits_per_dim(x, seed=0)))
    print(f"temperature {t}: {bits[t]:.3f} bits/dim")

# %% [markdown]
# Fewer bits are a higher density: cold samples are nearer to the mode, and smoother.
#
# ## Between two images
#
# A straight line in the latent is a path of images; a line between pixels is a cross-fade.

# %%
a, b = drawn[1][0], drawn[1][3]
path = clothes.to_levels(clothes.interpolate(a, b, steps=10)).numpy()
fade = [a * (1 - t) + b * t for t in np.linspace(0, 1, 10)]
show([path, fade], ["latent", "pixels"])
print(f"ends of the path differ from the images by {np.abs(path[[0, -1]] - [a, b]).max()} levels")

# %% [markdown]
# ## What temperature gains and loses, counted
#
# A flow of digits is given a class. A classifier, trained on real digits, says how many of its
# samples are of that class; the spread of samples within a class, over that of the data, says how
# varied they are; and the distance to the nearest training image, whether they are copies.

# %%
digits = zoo.load("maf-digits")
data = datasets.load("digits", data_dir=tempfile.mkdtemp())
train, labels = data.numpy("train", labels=True)
test, test_labels = data.numpy("test", labels=True)
train, test = (x.reshape(len(x), -1).astype(float) for x in (train, test))
classifier = SVC(gamma="scale").fit(train, labels)
print(f"the classifier is right on {classifier.score(test, test_labels):.1%} of test images")


def spread(x, y):
    """Mean over classes of the pixels' total variance within a class."""
    return np.mean([x[y == k].var(axis=0).sum() for k in range(10)])


def nearest(x):
    """Mean distance to the nearest training image, grey levels."""
    squares = (x**2).sum(1)[:, None] - 2 * x @ train.T + (train**2).sum(1)
    return np.sqrt(np.maximum(squares.min(axis=1), 0)).mean()


given = np.repeat(np.arange(10), 50)
figures = {}
for t in TEMPERATURES:
    x = digits.to_levels(digits.sample(len(given), context=given, seed=0, temperature=t)).numpy()
    x = x.reshape(len(x), -1).astype(float)
    figures[t] = {
        "right": classifier.score(x, given),
        "spread": spread(x, given) / spread(train, labels),
        "nearest": nearest(x),
    }
    one = figures[t]
    print(f"temperature {t}: of its class {one['right']:.1%}, spread {one['spread']:.2f} of the "
          f"data's, nearest training image {one['nearest']:.1f} away")  # fmt: skip
print(f"test images: nearest training image {nearest(test):.1f} away")

# %%
ten = np.arange(10)
rows = [digits.to_levels(digits.sample(10, ten, seed=1, temperature=t)) for t in TEMPERATURES]
show([x.numpy() for x in rows], [f"{t}" for t in TEMPERATURES])

# %% [markdown]
# Cards of entries name the temperature whose samples lie closest to validation images
# (`trainers.quality`).
