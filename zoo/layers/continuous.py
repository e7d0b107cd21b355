"""Continuous layer (Chen et al., 2018, arXiv:1806.07366; Grathwohl et al., 2019)."""

import functools
import math

import keras
from keras import ops

from zoo import backend, bijectors
from zoo.config import choice, count, positive, register
from zoo.layers.flow_layer import FlowLayer, vector_size
from zoo.networks import Dynamics
from zoo.numerics import by_rows, flatten_lead, ode, record
from zoo.numerics.root_finding import or_nan

TRACES = ("auto", "exact", "hutchinson")
PROBES = ("rademacher", "gaussian")
# Up to here the exact trace is about as cheap as an estimate.
SMALL = 16


@register("zoo.layers")
class Continuous(FlowLayer):
    """Moves events along `dx/dt = T f(x, t T)`, `t` from 0 (latent) to 1 (data).

    The log-determinant is the integral of the divergence of `f`, exact or by Hutchinson's estimator
    with probes that stay the same during a solve (Grathwohl et al., 2019, arXiv:1810.01367, section
    3.1). Both directions iterate: the solver takes as many steps as the tolerance asks for. Events
    for which it fails come out as NaN.

    Args:
      event_shape: `(d,)`.
      hidden_units: Width of each hidden layer of the dynamics.
      activation: Name of a smooth Keras activation.
      dynamics: `"concatsquash"`, `"squash"` or `"concat"`: how time and context enter each layer
        (`zoo.networks.Dynamics`).
      time_features: Pairs of sine and cosine of time beside time itself.
      state_features: Pairs of sine and cosine of each entry beside it.
      residual: Whether hidden layers of one width add their input to their output.
      end_time: `T`, the length of the time interval.
      learn_end_time: Whether `T` is trained.
      trace: `"exact"`, `"hutchinson"`, or `"auto"`: exact for events of up to 16 entries; of wider
        ones estimated while training and exact otherwise.
      probes: Number of probes of Hutchinson's estimator.
      probe: Their distribution, `"rademacher"` (signs) or `"gaussian"`.
      solver: `"dopri5"`, adaptive, or `"rk4"`, with equal steps.
      rtol, atol: Tolerances of an adaptive step; `None` is 1e-5 in float32, 1e-10 in float64.
      max_steps: Number of adaptive steps after which to give up.
      num_steps: Number of steps of `"rk4"`.
      context_shape: Shape of one context vector, or `None`.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer. The dynamics compute in the variable type of a
        mixed policy, for no tolerance could be met in a half one.

    Raises:
      ValueError: An argument is not as described.
    """

    implicit = ("encode", "decode")

    def __init__(
        self,
        event_shape,
        hidden_units=(64, 64, 64),
        activation="tanh",
        dynamics="concatsquash",
        time_features=0,
        state_features=0,
        residual=False,
        end_time=1.0,
        learn_end_time=False,
        trace="auto",
        probes=1,
        probe="rademacher",
        solver="dopri5",
        rtol=None,
        atol=None,
        max_steps=500,
        num_steps=20,
        context_shape=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(event_shape, context_shape, **kwargs)
        size = vector_size(event_shape, "Continuous")
        end_time = positive("end_time", end_time)
        self.trace, self.probe = choice("trace", trace, TRACES), choice("probe", probe, PROBES)
        self.probes = count("probes", probes)
        self.settings = ode.settings(solver, rtol, atol, max_steps, num_steps, self.variable_dtype)
        self.network = Dynamics(
            size,
            hidden_units,
            activation,
            dynamics,
            self.context_size,
            time_features,
            state_features,
            residual,
            seed,
            dtype=self.variable_dtype,
        )
        self.end_time = self.add_weight(
            name="end_time",
            shape=(),
            initializer=keras.initializers.Constant(math.log(end_time)),
            trainable=bool(learn_end_time),
        )
        self.__dict__["_solvers"] = {}  # Past the tracking of attributes, which is for variables.

    @property
    def draws(self):
        """One seed, for the probes, where the log-determinant is an estimate in training."""
        wide = self.event_shape[0] > SMALL
        return int(self.trace == "hutchinson" or (self.trace == "auto" and wide))

    @property
    def repeatable(self):
        """Whether no probes are drawn in training."""
        return not self.draws

    @property
    def estimates(self):
        """Whether the log-determinant is an estimate outside of training steps too."""
        return self.trace == "hutchinson"

    def _values(self):
        return self.network.values(), ops.exp(backend.value(self.end_time))

    def velocity(self, t, x, context=None):
        """`T f(x, t T) [n, d]` at `t [n]` in `[0, 1]`, events `x [n, d]` and `context [n, c]`."""
        values, end_time = self._values()
        return end_time * self.network.apply(values, t * end_time, x, context)[0]

    def _probes(self, x, seed):
        """Random directions `[n, probes, d]`."""
        shape = (ops.shape(x)[0], self.probes, self.event_shape[0])
        dtype = self.variable_dtype
        if self.probe == "gaussian":
            return backend.samplers.normal(shape, dtype=dtype, seed=seed)
        signs = backend.samplers.uniform(shape, maxval=2, dtype="int32", seed=seed)
        return ops.cast(2 * signs - 1, dtype)

    def _solver(self, reverse, trace, keep):
        """Solves for events `[n, d]`; compiled, once for each way of solving."""
        key = (reverse, trace, keep)
        if key not in self._solvers:
            field = functools.partial(self._field, reverse, trace)
            solve = functools.partial(ode.solver(field, self.settings), keep=keep)
            run = functools.partial(self._run, solve)
            self._solvers[key] = backend.compiled(run, self, jit=False)
        return self._solvers[key]

    def _run(self, solve, x, context, probes):
        log_det = ops.zeros_like(x[:, :1])
        given = () if context is None else (context,)
        directions = () if probes is None else (probes,)
        values, end_time = self._values()
        start = ops.concatenate([x, log_det], axis=-1)
        y, report = solve(start, values, end_time, given, directions)
        y = or_nan(y, report.converged)
        return y[:, :-1], y[:, -1], report

    def _field(self, reverse, trace, u, state, values, end_time, given, probes):
        """Velocity of the event and of its log-determinant, in the time of the solver."""
        t, sign = (1.0 - u, -end_time) if reverse else (u, end_time)
        directions = probes[0] if probes else ("basis" if trace == "exact" else None)
        velocity, divergence = self.network.apply(
            values, t * end_time, state[:, :-1], given[0] if given else None, directions
        )
        return sign * ops.concatenate([velocity, divergence[:, None]], axis=-1)

    def bijector(self, context=None, randomness=None):
        randomness = randomness or backend.Randomness()
        training = randomness.training
        estimated = self.estimates or (training and self.draws > 0)

        def solve(x, context, reverse, with_log_det):
            trace = ("hutchinson" if estimated else "exact") if with_log_det else None

            def run(x, context):
                if context is not None:
                    context = ops.reshape(context, (-1, self.context_size))
                probes = self._probes(x, randomness.seed()) if trace == "hutchinson" else None
                y, log_det, report = self._solver(reverse, trace, training)(x, context, probes)
                record(self.name, report)
                return y, log_det

            return by_rows(run, x, self.event_shape, context, self.context_shape or ())

        return bijectors.Continuous(solve, **self._options(context))

    def report(self, x, context=None, direction="encode"):
        """How the solver goes about events.

        Args:
          x: Data `[n, d]`, or latents where the direction is `"decode"`.
          context: `[n, *context_shape]`, or `None`.
          direction: `"encode"` or `"decode"`.

        Returns:
          A `Report`: evaluations of the dynamics and steps of each event, and whether it
          converged.

        Raises:
          ValueError: The direction is neither.
        """
        choice("direction", direction, ("encode", "decode"))
        x = flatten_lead(ops.convert_to_tensor(x, dtype=self.variable_dtype), self.event_shape)
        if context is not None:
            context = ops.reshape(ops.convert_to_tensor(context), (-1, self.context_size))
        if direction == "decode":
            return self._solver(False, None, False)(x, context, None)[2]
        trace, probes = "exact", None
        if self.estimates:
            trace, probes = "hutchinson", self._probes(x, backend.make_seed(0))
        return self._solver(True, trace, False)(x, context, probes)[2]
