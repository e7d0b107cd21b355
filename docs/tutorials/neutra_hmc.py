# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # NeuTra: Hamiltonian Monte Carlo in the latent space of a flow
#
# A flow fitted to a posterior by variational inference need not be right to be of use: HMC that
# runs in its latent space samples the exact posterior, in coordinates in which that is nearly a
# standard normal (Hoffman et al., 2019, arXiv:1903.03704). Two models with known answers: Neal's
# funnel, and the eight schools, whose answer two integrals give.

# %%
import time

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import zoo

tfd = tfp.distributions
CHAINS, BURN_IN, STEPS = 32, 500, 1000
PLAIN_LEAPFROG, LATENT_LEAPFROG = 16, 3


# %% [markdown]
# ## Fit a flow, then run chains
#
# The flow is an inverse autoregressive one: from latent to data it takes one pass, which is the
# direction that HMC asks for at each step. Plain HMC gets the same kernel, the same adaptation of
# the step size, and as many steps, each a longer trajectory. In the latent space a short one is
# right: around a standard normal a trajectory of length `2 pi` ends where it began.


# %%
def fit(target_log_prob, size, num_steps=1000):
    """A flow fitted to an unnormalized density by its evidence lower bound."""
    flow = zoo.IAF((size,), num_layers=2, hidden_units=(32,), transformer="affine", seed=0)
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, num_steps)
    tfp.vi.fit_surrogate_posterior(
        target_log_prob,
        flow.distribution(training=True),
        optimizer=keras.optimizers.Adam(schedule),
        num_steps=num_steps,
        sample_size=64,
        seed=(0, 1),
        jit_compile=True,
    )
    return flow


def sampler(target_log_prob, leapfrog, bijector=None):
    """A compiled function `(start, seed) -> (states [STEPS, CHAINS, d], share accepted)`."""
    kernel = tfp.mcmc.HamiltonianMonteCarlo(target_log_prob, 0.1, leapfrog)
    if bijector is not None:
        kernel = tfp.mcmc.TransformedTransitionKernel(kernel, bijector)
    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
        kernel, int(0.8 * BURN_IN), target_accept_prob=0.9
    )

    def log_accept_ratio(results):
        return getattr(results, "inner_results", results).log_accept_ratio

    @tf.function(autograph=False, jit_compile=True)
    def run(start, seed):
        states, log_accepted = tfp.mcmc.sample_chain(
            STEPS,
            start,
            kernel=kernel,
            num_burnin_steps=BURN_IN,
            trace_fn=lambda _, results: log_accept_ratio(results.inner_results),
            seed=seed,
        )
        return states, tf.reduce_mean(tf.exp(tf.minimum(log_accepted, 0.0)))

    return run


def measure(name, run, start):
    """Runs the chains once to compile and once for the clock; returns states and figures."""
    run(start, tf.constant([0, 1]))
    before = time.perf_counter()
    states, accepted = run(start, tf.constant([0, 2]))
    states = states.numpy()
    seconds = time.perf_counter() - before
    ess = tfp.mcmc.effective_sample_size(
        states, filter_beyond_positive_pairs=True, cross_chain_dims=1
    )
    r_hat = tfp.mcmc.potential_scale_reduction(states, split_chains=True)
    figures = {
        "ess": float(np.min(ess)),
        "ess_per_second": float(np.min(ess)) / seconds,
        "r_hat": float(np.max(r_hat)),
    }
    print(
        f"{name:>8}: {seconds:.2f} s, accepted {accepted:.2f}, smallest ESS {figures['ess']:.0f} "
        f"of {STEPS * CHAINS}, {figures['ess_per_second']:.0f} a second, "
        f"R-hat {figures['r_hat']:.3f}"
    )
    return states, figures


def both(target_log_prob, size):
    """Plain HMC and NeuTra on one target: `{name: (states, figures)}`."""
    before = time.perf_counter()
    flow = fit(target_log_prob, size)
    print(f"the flow was fitted in {time.perf_counter() - before:.0f} s")
    start = flow.sample(CHAINS, seed=3)
    return {
        "plain": measure("plain", sampler(target_log_prob, PLAIN_LEAPFROG), start),
        "NeuTra": measure(
            "NeuTra", sampler(target_log_prob, LATENT_LEAPFROG, flow.bijector()), start
        ),
    }


# %% [markdown]
# ## The funnel
#
# `v ~ N(0, 3)` and nine `x ~ N(0, exp(v / 2))`, where the second number is a standard deviation:
# the width of all the others depends on the first entry. A step that suits the mouth is far too
# long for the neck. The answer is in the definition: `v` has mean 0 and standard deviation 3.

# %%
DIMENSIONS = 10


def funnel(u):
    """The log-density of the funnel at `u [..., 10]`."""
    v = u[..., 0]
    rest = tfd.Normal(0.0, tf.exp(0.5 * v)[..., None]).log_prob(u[..., 1:])
    return tfd.Normal(0.0, 3.0).log_prob(v) + tf.reduce_sum(rest, axis=-1)


funnels = both(funnel, DIMENSIONS)
print("    true: mean of v 0.00, standard deviation 3.00")
for name, (states, _) in funnels.items():
    v = states[..., 0]
    print(f"{name:>8}: mean of v {v.mean():.2f}, standard deviation {v.std():.2f}")

# %% [markdown]
# ## Eight schools
#
# Effects of coaching in eight schools, with known standard errors (Rubin, 1981): `y_j ~ N(theta_j,
# s_j)`, `theta_j ~ N(mu, tau)`, with priors `mu ~ N(0, 10)` and `log tau ~ N(1, 1)`. Given `mu` and
# `tau`, the `theta`s are known in closed form; what is left is a sum over a grid of two dimensions.

# %%
EFFECTS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def schools(u):
    """`log p(y, mu, log tau, theta)` at `u = (mu, log tau, theta_1..8)`."""
    mu, log_tau, theta = u[..., 0], u[..., 1], u[..., 2:]
    of_theta = tfd.Normal(mu[..., None], tf.exp(log_tau)[..., None]).log_prob(theta)
    of_data = tfd.Normal(theta, tf.constant(ERRORS, tf.float32)).log_prob(EFFECTS.astype("float32"))
    of_pair = tfd.Normal(0.0, 10.0).log_prob(mu) + tfd.Normal(1.0, 1.0).log_prob(log_tau)
    return of_pair + tf.reduce_sum(of_theta + of_data, axis=-1)


def exact_means():
    """Posterior means of `mu`, `log tau` and the `theta`s, by a sum over a grid."""
    mu, log_tau = np.meshgrid(np.linspace(-40, 50, 901), np.linspace(-5, 6, 551), indexing="ij")
    mu, log_tau = mu[..., None], log_tau[..., None]
    variance = ERRORS**2 + np.exp(2 * log_tau)
    log_p = -0.5 * np.sum((EFFECTS - mu) ** 2 / variance + np.log(variance), axis=-1, keepdims=True)
    log_p += -0.5 * (mu / 10) ** 2 - 0.5 * (log_tau - 1) ** 2
    p = np.exp(log_p - log_p.max())
    weight = np.exp(2 * log_tau) / variance
    theta = weight * EFFECTS + (1 - weight) * mu
    parts = np.concatenate([mu, log_tau, theta], axis=-1)
    return np.sum(p * parts, axis=(0, 1)) / p.sum()


exact = exact_means()
eight = both(schools, 10)
print(f"    true: means of mu {exact[0]:.2f}, log tau {exact[1]:.2f}, theta_1 {exact[2]:.2f}")
for name, (states, _) in eight.items():
    means = states.mean(axis=(0, 1))
    print(
        f"{name:>8}: means of mu {means[0]:.2f}, log tau {means[1]:.2f}, theta_1 {means[2]:.2f}; "
        f"largest error {np.abs(means - exact).max():.2f}"
    )

# %% [markdown]
# What to look at: the effective sample size counts only where the chains have been everywhere,
# which R-hat and the known answers tell. A step of NeuTra costs a pass of the flow on top of the
# target; for targets as cheap as these that is most of the time, and less where a likelihood reads
# data.
