"""Memory that a run will need, estimated before it starts."""

from __future__ import annotations

from collections.abc import Sequence

from cimspice.crossbar.programming.networks import Network
from cimspice.crossbar.programming.plan import Plan
from cimspice.errors import ParameterError

_BYTES_PER_WEIGHT = 80
"""Weights, levels, words, keys, order, index, sections, and realised weights of one layer at a time. Measured
on layers of 1 and 16 million drawn weights: 56 to 61; weights of 8 bytes take the rest."""
_FIXED_BYTES = 200_000_000
_PATH_SECTIONS = 1024


def bytes_needed(network: Network, plans: Sequence[Plan]) -> int:
    """Upper estimate of the memory of :func:`~cimspice.crossbar.programming.program.program`, in bytes."""
    return _FIXED_BYTES + sum(map(_own_bytes, plans)) + max(_layer_bytes(network, plan) for plan in plans)


def _layer_bytes(network: Network, plan: Plan) -> int:
    largest = 0
    for layer in network.layers:
        lines, length = (
            (1, layer.outputs * layer.inputs) if plan.scope == "layer" else (layer.outputs, layer.inputs)
        )
        largest = max(largest, lines * -(-length // plan.rows) * plan.rows)
    path = 0
    if plan.order == "hamming":
        sections = min(_PATH_SECTIONS, -(-largest // (plan.rows * plan.crossbars)))
        path = 16 * sections * (plan.rows * plan.slices.columns + sections) + 16 * plan.rows**2
    return _BYTES_PER_WEIGHT * largest + path


def _own_bytes(plan: Plan) -> int:
    """Counts of every cell and the words of a few steps; the table of nearest values while it is made."""
    columns = plan.slices.columns
    crossbars = plan.crossbars * plan.rows * (16 * columns + 40)
    return crossbars + (16 * 4**columns if plan.choice == "nearest" else 0)


def check_memory(network: Network, plans: Sequence[Plan]) -> int:
    """The estimate in bytes.

    Raises
    ------
    ParameterError
        If it is more than is free.
    """
    needed, free = bytes_needed(network, plans), free_bytes()
    if free is not None and needed > free:
        raise ParameterError(
            f"about {needed / 2**30:.3g} GiB of memory are needed and {free / 2**30:.3g} GiB are free",
            place="rows, crossbars, bits or the largest layer",
            remedy="take fewer rows or crossbars, or a smaller network",
        )
    return needed


def free_bytes() -> int | None:
    """Memory that can be had now, in bytes; None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    return None
