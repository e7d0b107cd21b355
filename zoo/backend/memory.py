"""How TensorFlow takes the memory of tensors from the system."""

import os

_KEEPS = "TF_CPU_ALLOCATOR_USE_BFC"
_LIMIT = "TF_CPU_BFC_MEM_LIMIT_IN_MB"
# TensorFlow's own, MiB.
_LEAST = 64 * 1024


def keep_freed():
    """Lets TensorFlow keep the memory of freed tensors for further ones, as it does on a GPU.

    A compiled step takes the memory of its activations as one block. Without this, the C library
    gives a block of more than 32 MiB back to the system after each step, and the system clears each
    of its pages at their next first use: that is a third of the time of a training step of a
    RealNVP. The process stays as large as its largest step made it.

    TensorFlow reads both variables at its first operation; later they change nothing. Where the
    environment sets `TF_CPU_ALLOCATOR_USE_BFC`, to `false` say, that holds.
    """
    if _KEEPS not in os.environ:
        os.environ[_KEEPS] = "true"
        # Otherwise a machine with more could not use it.
        os.environ.setdefault(_LIMIT, str(max(_LEAST, _physical())))


def _physical():
    """Memory of this machine, MiB; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (AttributeError, OSError, ValueError):
        return 0
