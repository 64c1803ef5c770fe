"""What sessions and pools have done, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TypeVar


@dataclass
class Statistics:
    """What one session has done; times are CPU seconds of its thread.

    ``analysis_seconds`` is spent inside ngspice's analysis commands alone, ``engine_seconds`` inside all
    calls of ngspice: loads, resets and alterations too.
    """

    runs: int = 0
    loads: int = 0
    resets: int = 0
    failures: int = 0
    analysis_seconds: float = 0.0
    engine_seconds: float = 0.0

    def __add__(self, other: Statistics) -> Statistics:
        return _sum(self, other)


@dataclass
class PoolStatistics:
    """What a pool's workers have done in all; times are CPU seconds.

    ``cpu_seconds`` is that of the worker processes, start-up included; ``startup_seconds`` that spent before
    their first item; ``sessions`` sums the workers' `Statistics`.
    """

    sessions: Statistics = field(default_factory=Statistics)
    cpu_seconds: float = 0.0
    startup_seconds: float = 0.0
    workers_started: int = 0
    workers_killed: int = 0

    def __add__(self, other: PoolStatistics) -> PoolStatistics:
        return _sum(self, other)


_Counts = TypeVar("_Counts", Statistics, PoolStatistics)


def _sum(one: _Counts, other: _Counts) -> _Counts:
    return type(one)(*(getattr(one, entry.name) + getattr(other, entry.name) for entry in fields(one)))
