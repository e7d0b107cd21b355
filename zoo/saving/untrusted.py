"""The configuration in a .keras file, looked through before Keras makes objects of it.

Keras imports whatever class of its own a configuration names, also those that read files
(`TextVectorization`), load models (`TFSMLayer`) or run code (`Lambda`). Here only what is listed
below passes, and what is registered with `keras.saving.register_keras_serializable` or in a custom
object scope: this library's classes, and the user's own.
"""

import math
import re

import keras
import numpy as np

from zoo.backend import configuration
from zoo.config import FREE, MAX_EVENT, MAX_INTEGER

MAX_DEPTH = 64  # of lists and dictionaries in each other; a MAF on a mixture takes 12
MAX_MESSAGE = 300  # characters of an error quoted

_LISTED = {
    "keras": "DTypePolicy FloatDTypePolicy Sequential",
    "keras.dtype_policies": "DTypePolicyMap",
    "keras.layers": (
        "Activation Add Average AveragePooling1D AveragePooling2D BatchNormalization Concatenate "
        "Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Dense DepthwiseConv1D "
        "DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Flatten GaussianDropout "
        "GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GroupNormalization "
        "GroupQueryAttention Identity InputLayer LayerNormalization LeakyReLU Masking "
        "MaxPooling1D MaxPooling2D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU "
        "Permute RMSNormalization ReLU RepeatVector Rescaling Reshape SeparableConv1D "
        "SeparableConv2D Softmax SpatialDropout1D SpatialDropout2D SpectralNormalization Subtract "
        "UnitNormalization UpSampling1D UpSampling2D ZeroPadding1D ZeroPadding2D"
    ),
    "keras.initializers": (
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform "
        "Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros"
    ),
    "keras.optimizers": (
        "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon Nadam "
        "RMSprop SGD"
    ),
    "keras.optimizers.schedules": (
        "CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay "
        "PolynomialDecay"
    ),
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras.random": "SeedGenerator",
}
CLASSES = {f"{module}.{name}" for module, names in _LISTED.items() for name in names.split()}
ACTIVATIONS = set(
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear "
    "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus "
    "softsign sparse_plus sparse_sigmoid sparsemax squareplus tanh tanh_shrink threshold".split()
)


def check_config(config):
    """Checks what JSON holds of a Keras object, at any depth.

    Raises:
      ValueError: It names something that is not allowed, or a size out of bounds.
    """
    pending = [(config, "", 0)]
    while pending:
        value, key, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"its configuration is nested more than {MAX_DEPTH} deep")
        if isinstance(value, dict):
            if not _is_array(value):
                _check_record(value)
                pending += [(part, name, depth + 1) for name, part in value.items()]
        elif isinstance(value, list):
            _check_shape(key, value)
            pending += [(part, key, depth + 1) for part in value]
        elif isinstance(value, int) and key not in FREE and abs(value) > MAX_INTEGER:
            raise ValueError(f"its configuration has {key}={str(value)[:30]}, beyond {MAX_INTEGER}")


def is_of(config, cls):
    """Whether what `check_config` has let pass is of a registered class that derives from `cls`."""
    name = isinstance(config, dict) and config.get("registered_name")
    found = keras.saving.get_registered_object(name) if name else None
    return isinstance(found, type) and issubclass(found, cls)


def one_line(error):
    """The cause that an error tells, in one line of at most `MAX_MESSAGE` characters."""
    text = " ".join(str(error).split())
    if re.search(r"safe.?mode|unsafe", text):  # What Keras advises to do about it is no remedy.
        text = f"Keras refuses it ({type(error).__name__})"
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE - 1]}…"


def _is_array(record):
    """Whether it is an array as Keras writes it; one that holds no numbers is refused."""
    if record.get("class_name") not in ("__tensor__", "__numpy__"):
        return False
    inner = record.get("config")
    fits = isinstance(inner, dict) and set(inner) == {"value", "dtype"}
    pending = [inner["value"]] if fits and inner["dtype"] in configuration.DTYPES else [None]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        elif not isinstance(value, int | float):
            raise ValueError("its configuration has an array of something else than numbers")
    try:
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.asarray(inner["value"], inner["dtype"])).all()
    except (ValueError, OverflowError):  # Rows of several lengths, integers too large.
        finite = False
    if not finite:
        raise ValueError("its configuration has an array with numbers that are not finite")
    return True


def _check_record(record):
    """Checks what a dictionary stands for; what it holds is another matter."""
    name = record.get("class_name")
    if "tfp" in record:
        configuration.known(record["tfp"])
    if name is None:
        if "spec_name" in record or "registered_name" in record or "class_name" in record:
            _refuse(record.get("registered_name"))
    elif name == "function":
        _check_function(record)
    elif name not in ("__bytes__", "__ellipsis__", "__slice__"):
        _check_class(name, record)


def _check_function(record):
    name, registered = record.get("config"), record.get("registered_name")
    if not isinstance(name, str) or registered not in (None, name, "function"):
        _refuse(f"function {registered}")
    keras_own = record.get("module") in ("builtins", "keras.activations") and name in ACTIVATIONS
    if not (keras_own or keras.saving.get_registered_object(name) is not None):
        _refuse(f"{record.get('module')}.{name}")


def _check_class(name, record):
    registered = record.get("registered_name", name)
    full = f"{record.get('module')}.{name}"
    # Without a module, Keras reads it as files of long ago, by other rules.
    if (
        not isinstance(name, str)
        or not isinstance(registered, str | None)
        or ("module" not in record or "config" not in record)
    ):
        _refuse(full)
    found = None if registered is None else keras.saving.get_registered_object(registered)
    if found is not None:
        if name not in (registered, getattr(found, "__name__", None)):
            _refuse(f"{full} under the name of {registered}")
    elif full not in CLASSES or registered not in (None, name):
        _refuse(full)


def _check_shape(key, value):
    sizes = [n for n in value if isinstance(n, int)]
    if (
        key.endswith("shape")
        and len(sizes) == len(value)
        and math.prod(map(abs, sizes)) > MAX_EVENT
    ):
        raise ValueError(
            f"its configuration has {key}={str(value)[:60]}, more than {MAX_EVENT} numbers"
        )


def _refuse(what):
    raise ValueError(
        f"its configuration names {str(what)[:80]}, which a file may not bring: expected classes "
        "of Flow Zoo, those registered with keras.saving, or plain layers of Keras"
    )
