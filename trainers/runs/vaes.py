"""The VAE that `--model=vae` means: its networks, from a few numbers, and its base line."""

import math

import keras

import zoo

LATENT, HIDDEN_UNITS = 32, (400, 400)
# Families whose last layer is an affine map, amortized: theirs is a Gaussian to begin with.
WITH_A_GAUSSIAN = ("planar", "radial", "sylvester")


def vae(
    event_shape,
    *,
    posterior,
    levels,
    seed=None,
    dtype=None,
    base="normal",
    latent=LATENT,
    hidden_units=HIDDEN_UNITS,
    width=None,
    activation="relu",
    likelihood=None,
    free_bits=0.0,
    kl_warmup_steps=0,
    samples=128,
    jit_compile="auto",
):
    """Makes a VAE with an encoder of dense layers and a decoder that mirrors it.

    Args:
        event_shape: Shape of one event.
        posterior: A flow over `latent` dimensions, conditional on as many as the encoder's last
            layer has.
        levels: Grey levels of the data.
        seed: Seed of the networks.
        dtype: Type of the networks.
        base: The prior.
        latent: Dimensions of the latent.
        hidden_units: Width of each hidden layer of the encoder.
        width: Maps of a convolution of stride 2 before the dense layers, with twice as many in a
            second one; None for none. Images alone, height and width divisible by 4.
        activation: Of all hidden layers.
        likelihood, free_bits, kl_warmup_steps, samples, jit_compile: As in `zoo.VAE`.

    Raises:
        ValueError: If the data have no levels, or an argument does not do.
    """
    if levels is None:
        raise ValueError("--model vae is for data of grey levels, and these are continuous")
    likelihood = likelihood or ("bernoulli" if levels == 2 else "discretized_logistic")
    times = 2 if likelihood == "discretized_logistic" else 1
    networks = _Networks(event_shape, times, activation, seed, dtype)
    encoder, decoder = networks.dense(hidden_units, width)
    return zoo.VAE(
        encoder,
        decoder,
        posterior,
        base,
        likelihood=likelihood,
        levels=levels,
        free_bits=free_bits,
        kl_warmup_steps=kl_warmup_steps,
        samples=samples,
        jit_compile=jit_compile,
        dtype=dtype,
    )


def diagonal(size, code, seed=None, dtype=None):
    """A diagonal Gaussian, mean and scale linear in a code: the base line among posteriors."""
    given = {"hidden_units": (), "context_shape": (code,), "seed": seed, "dtype": dtype}
    layer = zoo.layers.Elementwise((size,), **given)
    return zoo.Flow([layer], context_shape=(code,), dtype=dtype)


class _Networks:
    """Encoder and decoder of one kind of event."""

    KERNEL = 5

    def __init__(self, event_shape, times, activation, seed, dtype):
        self.shape, self.activation, self.dtype = tuple(event_shape), activation, dtype
        self.out = (*self.shape[:-1], times * self.shape[-1])
        self._seeds = iter(range(10_000 * seed, 10_000 * (seed + 1))) if seed is not None else None

    def dense(self, units, width):
        """(encoder, decoder), with convolutions where there is a width."""
        encoder, decoder, inner = [], [], self.out
        if width is not None:
            encoder, decoder, inner = self._convolutions(width)
        encoder += [self._layer("Flatten"), *(self._dense(n) for n in units)]
        decoder = [
            *(self._dense(n) for n in reversed(units)),
            self._dense(math.prod(inner), self.activation if decoder else None),
            self._layer("Reshape", inner),
            *decoder,
        ]
        return keras.Sequential(encoder), keras.Sequential(decoder)

    def _convolutions(self, width):
        if len(self.shape) != 3 or self.shape[0] % 4 or self.shape[1] % 4:
            raise ValueError(
                "--width of a vae needs images of height and width divisible by 4, got events of "
                f"shape {self.shape}; omit it"
            )
        inner = (self.shape[0] // 4, self.shape[1] // 4, 2 * width)
        down = [self._conv("Conv2D", n, self.activation) for n in (width, 2 * width)]
        up = [self._conv("Conv2DTranspose", width, self.activation)]
        return down, [*up, self._conv("Conv2DTranspose", self.out[-1], None)], inner

    def _conv(self, kind, maps, activation):
        options = {"strides": 2, "padding": "same", "activation": activation}
        return self._layer(kind, maps, self.KERNEL, **options, kernel_initializer=self._start())

    def _dense(self, units, activation=...):
        activation = self.activation if activation is ... else activation
        start = self._start()
        return self._layer("Dense", units, activation=activation, kernel_initializer=start)

    def _layer(self, kind, *args, **kwargs):
        return getattr(keras.layers, kind)(*args, dtype=self.dtype, **kwargs)

    def _start(self):
        seed = None if self._seeds is None else next(self._seeds)
        return keras.initializers.GlorotUniform(seed=seed)
