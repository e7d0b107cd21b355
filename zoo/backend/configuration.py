"""TFP distributions as plain data, so that a flow with such a base can be saved.

A file names classes of the two lists below and nothing else: nothing is looked up by name in TFP.
"""

import inspect
import numbers

import keras
import numpy as np

from zoo import backend
from zoo.backend import NAME, tfb, tfd, tfp

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


def serialize(value, name="base", shared=None):
    """A distribution, and whatever its parameters hold, as a structure of plain values.

    Constrained parameters (`tfp.util.TransformedVariable`, `DeferredTensor`) are kept as the
    unconstrained ones and their bijectors, and a variable that is met twice as one.

    Args:
      value: The distribution, or a parameter of it.
      name: What to call it in messages.
      shared: The variables met so far.

    Raises:
      ValueError: A class is not of the lists above, or a parameter is neither a number, a tensor, a
        variable, nor another distribution or bijector of these lists.
    """
    shared = [] if shared is None else shared
    if isinstance(value, tfd.Distribution | tfb.Bijector):
        kind = _kind(value, name)
        defaults = inspect.signature(CLASSES[kind].__init__).parameters
        where = type(value).__name__.lstrip("_")
        given = {
            k: serialize(v, f"{where}.{k}", shared)
            for k, v in value.parameters.items()
            if v is not (defaults[k].default if k in defaults else None)
        }
        return {"tfp": kind, "parameters": given}
    if isinstance(value, tfp.util.DeferredTensor):
        return _serialize_constrained(value, name, shared)
    if isinstance(value, bool | int | float | type(None)) or _is_text(value, name):
        return {"value": value}
    if isinstance(value, type(backend.dtype("float32"))):
        return {"dtype_name": keras.backend.standardize_dtype(value)}
    if isinstance(value, list | tuple):
        return {"items": [serialize(v, f"{name}[{i}]", shared) for i, v in enumerate(value)]}
    return _serialize_array(value, name, shared)


def _serialize_constrained(value, name, shared):
    bijector = getattr(value.transform_fn, "__self__", None)
    if not isinstance(bijector, tfb.Bijector) or value.also_track is not None:
        raise _refusal(name, "a DeferredTensor of a function: give it a bijector of TFP's")
    if value.dtype != value.pretransformed_input.dtype:
        raise _refusal(name, "a DeferredTensor of another type than its variable's")
    return {
        "bijector": serialize(bijector, f"{name}.bijector", shared),
        "of": serialize(value.pretransformed_input, name, shared),
    }


def _serialize_array(value, name, shared):
    same = [i for i, variable in enumerate(shared) if variable is value]
    if same:
        return {"same_as": same[0]}
    array = None
    if not isinstance(value, str | dict):
        try:
            array = np.asarray(keras.ops.convert_to_numpy(value))
        except (TypeError, ValueError):
            pass
    if array is None or array.dtype.name not in DTYPES:
        raise _refusal(name, f"a {type(value).__name__}")
    # Of Keras' own variables TFP knows nothing: to it they are constants.
    is_variable = hasattr(value, "assign") and not isinstance(value, keras.Variable)
    if is_variable:
        shared.append(value)
    return {
        "array": array.tolist(),
        "dtype": array.dtype.name,
        "variable": is_variable,
        "trainable": bool(getattr(value, "trainable", False)),
    }


def deserialize(config, name=None, shared=None):
    """What `serialize` was given.

    Raises:
      ValueError: It is nothing that `serialize` returns, or it needs variables and the Keras
        backend is not TensorFlow.
    """
    shared = [] if shared is None else shared
    if not isinstance(config, dict):
        raise ValueError(f"A parameter of a base must be a record, got a {type(config).__name__}.")
    if "tfp" in config:
        cls, given = known(config["tfp"]), config.get("parameters")
        if not isinstance(given, dict):
            raise ValueError(f"The parameters of {cls.__name__} must be named.")
        parameters = {k: deserialize(v, f".{k}", shared) for k, v in given.items()}
        try:
            return cls(**parameters)
        except TypeError as error:
            raise ValueError(f"{cls.__name__} does not take these parameters: {error}") from error
    if "bijector" in config:
        return _deserialize_constrained(config, shared)
    if "value" in config:
        value = config["value"]
        if isinstance(value, numbers.Real | type(None)) or _is_text(value, name):
            return value
        raise ValueError(f"A parameter of a base must be a number, got a {type(value).__name__}.")
    if "dtype_name" in config:
        return backend.dtype(_dtype(config["dtype_name"]))
    if isinstance(config.get("items"), list):
        return [deserialize(v, None, shared) for v in config["items"]]
    if "same_as" in config:
        place = config["same_as"]
        if not (isinstance(place, int) and 0 <= place < len(shared)):
            raise ValueError(f"A base has no variable {str(place)[:30]} before this parameter.")
        return shared[place]
    return _deserialize_array(config, shared)


def _deserialize_constrained(config, shared):
    bijector = deserialize(config["bijector"], None, shared)
    value = deserialize(config.get("of"), None, shared)
    if not isinstance(bijector, tfb.Bijector) or not hasattr(value, "shape"):
        raise ValueError("A constrained parameter must be a bijector and an array.")
    if not hasattr(value, "assign"):
        return tfp.util.DeferredTensor(value, bijector)
    return tfp.util.TransformedVariable(None, bijector, pretransformed_input=value)


def _deserialize_array(config, shared):
    array = np.asarray(config.get("array"), _dtype(config.get("dtype")))
    if not config.get("variable"):
        return keras.ops.convert_to_tensor(array)
    if NAME != "tensorflow":
        raise ValueError("A base with tf.Variables needs KERAS_BACKEND=tensorflow.")
    trainable = bool(config.get("trainable"))
    variable = keras.Variable(array, dtype=config["dtype"], trainable=trainable).value
    shared.append(variable)
    return variable


def known(kind):
    """The class that a file calls `kind`, such as "distributions.Normal".

    Raises:
      ValueError: It is not of the lists above.
    """
    if not (isinstance(kind, str) and kind in CLASSES):
        raise ValueError(
            f"{str(kind)[:60]!r} is no distribution or bijector of TFP that a file may name; "
            "zoo.backend.configuration lists them"
        )
    return CLASSES[kind]


def see_variables(layer, part):
    """Makes the variables of a distribution or bijector weights of the Keras layer it is a part of.

    Each has two names then: TFP computes with it, Keras trains and saves it.
    """
    trainable = {id(v) for v in getattr(part, "trainable_variables", ())}
    for i, variable in enumerate(getattr(part, "variables", ())):
        weight = layer.add_weight(
            name=f"variable_{i}",
            shape=tuple(variable.shape),
            dtype=variable.dtype.name,
            trainable=id(variable) in trainable,
        )
        weight._value = variable


def _kind(value, name):
    module = "distributions" if isinstance(value, tfd.Distribution) else "bijectors"
    kind = f"{module}.{type(value).__name__.lstrip('_')}"
    # Some of TFP's classes make instances of a class that they derive from.
    if not (kind in CLASSES and issubclass(CLASSES[kind], type(value))):
        raise _refusal(
            name, f"a {type(value).__name__}, none of the classes of tfp.{module} that are listed"
        )
    return kind


def _is_text(value, name):
    """Whether it is an object's own name: no other text is a parameter of the classes above."""
    return isinstance(value, str) and name is not None and name.endswith(".name")


def _refusal(name, what):
    return ValueError(
        f"{name} is {what}, so it cannot be saved; make it of numbers, arrays, variables and "
        "the classes that zoo.backend.configuration lists, or of a zoo.Flow."
    )


def _dtype(name):
    if name not in DTYPES:
        raise ValueError(f"{str(name)[:60]!r} is no type of numbers.")
    return name
