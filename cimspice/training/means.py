"""Means of repeated trainings, with their intervals."""

from typing import Any

import numpy as np
from scipy.stats import t as student

from cimspice.arrays import Array


def mean_with_interval(values: Array) -> dict[str, Any]:
    """Mean and its 95 % interval (Student's t), null for one value."""
    count, mean = len(values), float(values.mean())
    if count < 2:
        return {"value": mean, "interval": None}
    half = float(student.ppf(0.975, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return {"value": mean, "interval": [mean - half, mean + half]}
