"""TFP distributions as plain data, so that a flow with such a base can be saved.

A file names classes of the two lists below and nothing else: nothing is looked up by name in TFP.
"""

import inspect
import numbers

import keras
import numpy as np

from zoo import backend
from zoo.backend import NAME, tfb, tfd

# Densities whose parameters are numbers, arrays, or densities and bijections of these lists.
DISTRIBUTIONS = (
    "Bates Bernoulli Beta BetaBinomial Binomial Blockwise Categorical Cauchy Chi Chi2 "
    "ContinuousBernoulli Deterministic Dirichlet DirichletMultinomial DoublesidedMaxwell ExpGamma "
    "ExpInverseGamma Exponential ExponentiallyModifiedGaussian Gamma GammaGamma "
    "GeneralizedExtremeValue GeneralizedNormal GeneralizedPareto Geometric Gumbel HalfCauchy "
    "HalfNormal HalfStudentT Horseshoe Independent InverseGamma InverseGaussian JohnsonSU "
    "Kumaraswamy Laplace LogLogistic LogNormal Logistic LogitNormal Mixture MixtureSameFamily "
    "Moyal Multinomial MultivariateNormalDiag MultivariateNormalDiagPlusLowRank "
    "MultivariateNormalFullCovariance MultivariateNormalTriL NegativeBinomial Normal "
    "NormalInverseGaussian OneHotCategorical PERT Pareto Poisson PowerSpherical RelaxedBernoulli "
    "RelaxedOneHotCategorical Sample SigmoidBeta SinhArcsinh Skellam SphericalUniform StudentT "
    "TransformedDistribution Triangular TruncatedCauchy TruncatedNormal TwoPieceNormal "
    "TwoPieceStudentT Uniform VectorDeterministic VonMises VonMisesFisher Weibull Zipf"
).split()
BIJECTORS = (
    "AbsoluteValue Ascending Blockwise Chain CholeskyOuterProduct CorrelationCholesky Cumsum Exp "
    "Expm1 FillScaleTriL FillTriangular FrechetCDF GeneralizedPareto GompertzCDF GumbelCDF "
    "Householder Identity Invert IteratedSigmoidCentered KumaraswamyCDF LambertWTail Log Log1p "
    "MatrixInverseTriL MoyalCDF NormalCDF Pad Permute Power PowerTransform RationalQuadraticSpline "
    "RayleighCDF Reciprocal Reshape Scale ScaleMatvecDiag ScaleMatvecLU ScaleMatvecTriL Shift "
    "ShiftedGompertzCDF Sigmoid Sinh SinhArcsinh SoftClip SoftmaxCentered Softplus Softsign Square "
    "Tanh TransformDiagonal Transpose WeibullCDF"
).split()
# Some are there in one of TFP's substrates only.
CLASSES = {
    f"{module}.{name}": getattr(library, name)
    for module, library, names in (
        ("distributions", tfd, DISTRIBUTIONS),
        ("bijectors", tfb, BIJECTORS),
    )
    for name in names
    if hasattr(library, name)
}
DTYPES = ("bool", *(f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64)))
DTYPES += ("float16", "bfloat16", "float32", "float64")


def serialize(value, name=None):
    """A distribution, and whatever its parameters hold, as a structure of plain values.

    Args:
      value: The distribution, or a parameter of it.
      name: Name of the parameter.

    Raises:
      ValueError: A class is not of the lists above, or a parameter is neither a number, a tensor, a
        variable, nor another distribution or bijector of these lists.
    """
    if isinstance(value, tfd.Distribution | tfb.Bijector):
        kind = _kind(value)
        defaults = inspect.signature(CLASSES[kind].__init__).parameters
        given = {
            k: v
            for k, v in value.parameters.items()
            if v is not None and not (k in defaults and v is defaults[k].default)
        }
        return {"tfp": kind, "parameters": {k: serialize(v, k) for k, v in given.items()}}
    if isinstance(value, bool | int | float | type(None)) or _is_text(value, name):
        return {"value": value}
    if isinstance(value, type(backend.dtype("float32"))):
        return {"dtype_name": keras.backend.standardize_dtype(value)}
    if isinstance(value, list | tuple):
        return {"items": [serialize(v) for v in value]}
    refusal = f"A base with a parameter of {type(value)} cannot be saved."
    if isinstance(value, str | dict):
        raise ValueError(refusal)
    try:
        array = np.asarray(keras.ops.convert_to_numpy(value))
    except (TypeError, ValueError) as error:
        raise ValueError(refusal) from error
    if array.dtype.name not in DTYPES:
        raise ValueError(refusal)
    is_variable = hasattr(value, "assign")
    return {
        "array": array.tolist(),
        "dtype": array.dtype.name,
        "variable": is_variable,
        "trainable": bool(getattr(value, "trainable", False)),
    }


def deserialize(config, name=None):
    """What `serialize` was given.

    Raises:
      ValueError: It is nothing that `serialize` returns, or it needs variables and the Keras
        backend is not TensorFlow.
    """
    if not isinstance(config, dict):
        raise ValueError(f"A parameter of a base must be a record, got a {type(config).__name__}.")
    if "tfp" in config:
        cls, given = known(config["tfp"]), config.get("parameters")
        if not isinstance(given, dict):
            raise ValueError(f"The parameters of {cls.__name__} must be named.")
        parameters = {k: deserialize(v, k) for k, v in given.items()}
        try:
            return cls(**parameters)
        except TypeError as error:
            raise ValueError(f"{cls.__name__} does not take these parameters: {error}") from error
    if "value" in config:
        value = config["value"]
        if isinstance(value, numbers.Real | type(None)) or _is_text(value, name):
            return value
        raise ValueError(f"A parameter of a base must be a number, got a {type(value).__name__}.")
    if "dtype_name" in config:
        return backend.dtype(_dtype(config["dtype_name"]))
    if isinstance(config.get("items"), list):
        return [deserialize(v) for v in config["items"]]
    array = np.asarray(config.get("array"), _dtype(config.get("dtype")))
    if not config.get("variable"):
        return keras.ops.convert_to_tensor(array)
    if NAME != "tensorflow":
        raise ValueError("A base with tf.Variables needs KERAS_BACKEND=tensorflow.")
    trainable = bool(config.get("trainable"))
    return keras.Variable(array, dtype=config["dtype"], trainable=trainable).value


def known(kind):
    """The class that a file calls `kind`, such as "distributions.Normal".

    Raises:
      ValueError: It is not of the lists above.
    """
    if not (isinstance(kind, str) and kind in CLASSES):
        raise ValueError(
            f"{str(kind)[:60]!r} is no distribution or bijector of TFP that a base may be made of; "
            "zoo.distributions.configuration lists them"
        )
    return CLASSES[kind]


def _kind(value):
    module = "distributions" if isinstance(value, tfd.Distribution) else "bijectors"
    kind = f"{module}.{type(value).__name__.lstrip('_')}"
    # Some of TFP's classes make instances of a class that they derive from.
    if not (kind in CLASSES and issubclass(CLASSES[kind], type(value))):
        raise ValueError(
            f"{type(value).__name__} is none of the classes of tfp.{module} that can be saved with "
            "a flow, so it cannot be saved; build the base from those that "
            "zoo.distributions.configuration lists, or from a zoo.Flow."
        )
    return kind


def _is_text(value, name):
    """Whether it is an object's own name: no other text is a parameter of the classes above."""
    return isinstance(value, str) and name == "name"


def _dtype(name):
    if name not in DTYPES:
        raise ValueError(f"{str(name)[:60]!r} is no type of numbers.")
    return name
