"""Memory of this process, as the system counts it."""

import contextlib
import ctypes
import gc
import resource
import sys


def _status(field):
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


def now_mib():
    """Memory in use now, MiB; the peak where the system does not tell."""
    now = _status("VmRSS")
    return peak_mib() if now is None else now


def peak_mib():
    """The most memory that was ever in use, or since `reset_peak`, MiB."""
    peak = _status("VmHWM")
    if peak is not None:
        return peak
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def reset_peak():
    """Gives free memory back to the system, and counts the peak from here on.

    Returns:
      Memory in use now, MiB. Where the system cannot count anew, the peak stays that of before.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return now_mib()
