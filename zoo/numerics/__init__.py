"""Numerical methods without variables: solvers that report, estimators, and shapes."""

from zoo.numerics import log_det_estimators, ode, root_finding, tanh_root, triangular_root
from zoo.numerics.normalization import reaching_clamp, soft_clamp, standardizing
from zoo.numerics.report import NotConverged, Report, is_recording, record, recording
from zoo.numerics.shapes import broadcast_lead, by_rows, condition, flatten_lead, unflatten_lead
from zoo.numerics.triangular_map import TriangularInverse

__all__ = [
    "NotConverged",
    "Report",
    "TriangularInverse",
    "broadcast_lead",
    "by_rows",
    "condition",
    "flatten_lead",
    "is_recording",
    "log_det_estimators",
    "ode",
    "reaching_clamp",
    "record",
    "recording",
    "root_finding",
    "soft_clamp",
    "standardizing",
    "tanh_root",
    "triangular_root",
    "unflatten_lead",
]
