"""Exported flows of the table, shared by the tests that read them: an export takes seconds."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import table

# A class-conditional flow over grey levels, one without a context, and one that estimates.
QUICK = ("maf_image", "real_nvp", "residual_flow")
# One given vectors, and those that iterate, for samples or for densities, each with a gradient of
# its own.
SLOW = ("iaf_context", "sylvester", "planar_context", "i_resnet", "naf", "continuous")
SLOW += ("nsf_autoregressive", "radial_image", "tar_flow_within", "jet")
NAMES = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
# Where one flow stands for all; the others are slow.
ONE = ["real_nvp", *(pytest.param(n, marks=pytest.mark.slow) for n in QUICK if n != "real_nvp")]
ONE += NAMES[len(QUICK) :]

_root = tempfile.TemporaryDirectory(prefix="flow_zoo_exports")


@functools.cache
def folder(name):
    """The folder that `table.shared(name)` is exported to; not to be changed."""
    return zoo.export(table.shared(name), Path(_root.name) / name)


@functools.cache
def tiny():
    """The smallest flow there is to export."""
    layer = zoo.layers.ActNorm((2,))
    layer.shift.assign([1.0, -2.0])
    return zoo.Flow([layer], jit_compile=False)


@functools.cache
def asked(name):
    """What the tests ask a flow: `{"x", "z", "context", "integers"}`, three rows of each."""
    flow = table.shared(name)
    asked = {"x": helpers.floats(flow, 3)}
    asked["z"] = np.random.default_rng(3).normal(size=(3, *flow.latent_shape)).astype("float32")
    if flow.conditional:
        asked["context"] = helpers.context(flow, 3)
    if flow.levels:
        asked["integers"] = helpers.data(flow, 3)
    return asked


@functools.cache
def gradient(name):
    """The flow's own gradient of log_prob with respect to x, which takes seconds to compile."""
    x = tf.constant(asked(name)["x"])
    with tf.GradientTape() as tape:
        tape.watch(x)
        log_prob = table.shared(name).log_prob(x, asked(name).get("context"))
    return tape.gradient(log_prob, x).numpy()
