"""Changes to images on their way from disk: cropped or padded, resized, with fewer grey levels."""

import dataclasses
import numbers

import tensorflow as tf

from trainers.datasets.errors import DatasetError


@dataclasses.dataclass(frozen=True)
class Change:
    """What is done to each image, in this order; by default nothing.

    Attributes:
        image_size: (height, width) to crop to, about the centre, or to pad to, with zeros on all
            sides; one of them may be cropped and the other padded.
        resize: (height, width) to resize to. Each pixel becomes the average of the area it covers,
            rounded to an integer.
        divisor: What grey levels are divided by, rounded down.
    """

    image_size: tuple | None = None
    resize: tuple | None = None
    divisor: int = 1

    def __bool__(self):
        return self != Change()

    def shape(self, shape):
        """The shape of what becomes of an image of this shape."""
        return (*(self.resize or self.image_size or shape[:2]), shape[2])

    def __call__(self, image):
        """Changes an image [height, width, channels], uint8, of any size if there is image_size."""
        if self.image_size:
            image = tf.image.resize_with_crop_or_pad(image, *self.image_size)
        if self.resize:
            averages = tf.image.resize(image, self.resize, method="area")
            image = tf.cast(tf.round(averages), tf.uint8)
        return image // self.divisor if self.divisor > 1 else image


UNCHANGED = Change()
LARGEST = 4096  # pixels a side


def change(levels=None, image_size=None, resize=None, own_levels=256):
    """Makes a `Change` of what the user asked for.

    Args:
        levels: Grey levels to be left, a divisor of `own_levels`, or None.
        image_size: As in `Change`; or one number for both, or texts of numbers.
        resize: Likewise.
        own_levels: Grey levels of the images as they are stored.

    Raises:
        DatasetError: levels is no divisor above 1, or a size is not one or two positive integers.
    """
    fewer = own_levels if levels is None else levels
    if not (isinstance(fewer, int) and fewer > 1 and own_levels % fewer == 0):
        divisors = [n for n in range(own_levels, 1, -1) if own_levels % n == 0]
        raise DatasetError(
            f"levels must divide the data's {own_levels} grey levels, one of "
            f"{', '.join(map(str, divisors))}; got {levels}"
        )
    return Change(
        _height_and_width("image_size", image_size),
        _height_and_width("resize", resize),
        own_levels // fewer,
    )


def _height_and_width(name, size):
    if size is None:
        return None
    given = [size] if isinstance(size, str | numbers.Number) else list(size)
    texts = [str(number).strip() for number in given]
    good = (t.isdecimal() and len(t) < 10 and 0 < int(t) <= LARGEST for t in texts)
    if len(texts) not in (1, 2) or not all(good):
        raise DatasetError(
            f"{name} must be one positive integer, or height and width up to {LARGEST}, as in "
            f"32,48; got {','.join(texts)[:40] or 'nothing'}"
        )
    return int(texts[0]), int(texts[-1])


def mirror_at_random(data, seed):
    """Mirrors half of the images of each batch, others at each pass; the same for the same seed."""
    # A stateless draw from a seed a batch stays reproducible when tf.data maps in parallel.
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)

    def mirror(batch, batch_seed):
        x, *label = batch
        draw = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], batch_seed)
        return (tf.where(draw < 0.5, tf.reverse(x, axis=[2]), x), *label)

    return tf.data.Dataset.zip(data, seeds).map(mirror, tf.data.AUTOTUNE)
