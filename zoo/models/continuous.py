"""Continuous flows: FFJORD (Grathwohl et al., 2019, arXiv:1810.01367), and flow matching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import backend, computations, numerics
from zoo.config import choice, count, register
from zoo.layers import ActNorm, Continuous
from zoo.models.family import Family
from zoo.training.losses import LOSSES, FlowMatching
from zoo.typing import Shape


@register("zoo")
class ContinuousFlow(Family):
    """Events are moved by an ordinary differential equation, whose velocity is any network.

    `dx/dt = f(x, t)` from the latent at `t = 0` to the data at `t = T`, and `log p(x(T)) = log
    p(x(0)) - int tr(df/dx) dt` (Chen et al., 2018, arXiv:1806.07366, eq. 8), with the trace exact
    or by Hutchinson's estimator (Grathwohl et al., eq. 7), by an adaptive solver, and with
    gradients by its own steps backwards. A context stands beside time. Before the equation entries
    are standardized.

    It is trained by likelihood, as in the papers, or by flow matching (Lipman et al., 2023,
    arXiv:2210.02747), which solves no equation while training; densities and samples come by the
    same equation either way. Where the solver fails, `log_prob`, `sample` and the like raise
    `zoo.NotConverged`; distributions and exported flows give NaN for these events.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      num_layers: Number of equations, one after the other; 1 for flow matching.
      hidden_units: Width of each hidden layer of the dynamics.
      activation: Name of a smooth Keras activation, such as `"tanh"`, `"softplus"`, `"silu"`.
      dynamics, time_features, state_features, residual: The network; see `zoo.layers.Continuous`.
      end_time, learn_end_time: `T`, and whether it is trained.
      trace, probes, probe: How the trace is computed; see `zoo.layers.Continuous`.
      solver, rtol, atol, max_steps, num_steps: The solver; see `zoo.layers.Continuous`.
      loss: `"likelihood"` or `"flow_matching"`, what `fit` trains by; `compile` may override it.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.ContinuousFlow(event_shape=(2,), hidden_units=(16, 16), seed=0)
    flow.sample(4, seed=1)
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        num_layers: int = 1,
        hidden_units: Sequence[int] = (64, 64, 64),
        activation: str = "tanh",
        dynamics: str = "concatsquash",
        time_features: int = 0,
        state_features: int = 0,
        residual: bool = False,
        end_time: float = 1.0,
        learn_end_time: bool = False,
        trace: str = "auto",
        probes: int = 1,
        probe: str = "rademacher",
        solver: str = "dopri5",
        rtol: float | None = None,
        atol: float | None = None,
        max_steps: int = 500,
        num_steps: int = 20,
        loss: str = "likelihood",
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers, shape = shared.vector()
        number = count("num_layers", num_layers)
        if choice("loss", loss, tuple(LOSSES)) == "flow_matching" and number > 1:
            raise ValueError(
                f"loss='flow_matching' trains one equation: num_layers must be 1, got {number}."
            )
        options = {
            "hidden_units": hidden_units,
            "activation": activation,
            "dynamics": dynamics,
            "time_features": time_features,
            "state_features": state_features,
            "residual": residual,
            "end_time": end_time,
            "learn_end_time": learn_end_time,
            "trace": trace,
            "probes": probes,
            "probe": probe,
            "solver": solver,
            "rtol": rtol,
            "atol": atol,
            "max_steps": max_steps,
            "num_steps": num_steps,
        }
        for _, seed in zip(range(number), shared.seeds(), strict=False):
            layers.append(ActNorm(shape, **shared.plain))
            layers.append(Continuous(shape, seed=seed, **options, **shared.conditional))
        super().__init__(layers, shared)
        self.set_loss(loss)

    def solver_report(self, x, context=None):
        """How the solver goes about the log-density of events, equation by equation.

        Args:
          x: `[batch, *event_shape]`.
          context: As in `encode`.

        Returns:
          List of `(name of the layer, Report)`: evaluations of the dynamics and steps of
          each event, and whether it converged.

        Raises:
          ValueError: An argument is not as described.
        """
        x = self.event.check(x, bounded=False)
        context = self.context.check(context, x.shape[0])
        with numerics.recording() as found:
            computations.density(self, x, context)
        return found

    def matching_loss(self, x, context=None, seed=None):
        """The loss of flow matching of each event, `[batch]`; see `zoo.training.FlowMatching`.

        Args:
          x: `[batch, *event_shape]`.
          context: As in `encode`.
          seed: Integer that fixes times, latents and noise; fresh ones without it.

        Raises:
          ValueError: An argument is not as described.
        """
        return FlowMatching()(self, x, context, backend.make_seed(seed))
