"""Threads, and the machine."""

from benchmarks import environment


def test_all_libraries_get_the_same_threads():
    variables = environment.variables(3)
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC"):
        assert variables[name] == "3"
    assert variables["CUDA_VISIBLE_DEVICES"] == "-1"
