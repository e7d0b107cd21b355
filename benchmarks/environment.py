"""What a measuring process is told before it imports anything: threads, and no accelerator."""

import os
import platform


def variables(threads):
    """Environment variables that give every library the same number of threads, on the CPU.

    Args:
      threads: Number of threads.
    """
    count = str(threads)
    names = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"]
    names += ["TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"]
    return dict.fromkeys(names, count) | {
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONWARNINGS": "ignore",
    }


def pin(threads):
    """Keeps this process on as many cores as it has threads, where the system can do so.

    JAX sizes its pool by the cores it may use, and by no variable of its own.
    """
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[:threads])


def machine():
    """The shape of this machine, for the record of a run: `{cores, memory_gib, processor, ...}`."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "processor": _processor(),
        "python": platform.python_version(),
    }


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
