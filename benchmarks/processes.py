"""Processes that measure: the same threads for every library, and no accelerator."""

import multiprocessing
import os
import platform
import re
import time
import warnings
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

# What the libraries read at import; JAX sizes its pool by the cores that the process may use.
COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")
COUNTS += ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
FIXED = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


# When this process was asked for, in a `Process`.
started = time.time()


def _start(threads, now):
    global started
    started = now
    os.environ.update(FIXED | dict.fromkeys(COUNTS, str(threads)))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    warnings.simplefilter("ignore")
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # Libraries print.
        os.dup2(silent, stream)


def _answer(function, args):
    """What a function returns; what goes wrong is told in one line, and ends no run."""
    try:
        return function(*args)
    except Exception as error:
        text = " ".join(str(error).split())
        return {"error": f"{type(error).__name__}: {text[:300]}"}


class Process:
    """A fresh process, of as many threads and cores, which runs one function after another."""

    def __init__(self, threads):
        spawn = multiprocessing.get_context("spawn")
        self._pool = futures.ProcessPoolExecutor(1, spawn, _start, (threads, time.time()))

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._pool.shutdown(cancel_futures=True)

    def call(self, function, *args):
        """The dictionary that a function of a module returns there, or `{"error": one line}`."""
        try:
            return self._pool.submit(_answer, function, args).result()
        except BrokenProcessPool:
            return {"error": "its process ended"}


def each(what, function, cases, threads, log):
    """Calls a function in a fresh process for each tuple of arguments: from those to answers.

    One that fails is told in a line, which starts with `what` is measured, and left out.
    """
    found = {}
    for case in cases:
        with Process(threads) as process:
            answer = process.call(function, *case)
        if "error" in answer:
            log(f"{what} {' '.join(map(str, case))}: left out, {answer['error']}")
        else:
            found[case] = answer
    return found


def machine():
    """The shape of this machine, for the record of a run."""
    pages, processor = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    if (path := Path("/proc/cpuinfo")).exists():
        processor = re.search(r"model name\s*: (.*)", path.read_text(encoding="utf-8"))
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "processor": processor[1] if processor else platform.machine(),
        "python": platform.python_version(),
    }
