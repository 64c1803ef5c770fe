"""What sessions and pools have done, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Statistics:
    """What one session has done; times are CPU seconds of its thread.

    ``analysis_seconds`` is spent inside ngspice's analysis commands alone, ``engine_seconds`` inside all calls of
    ngspice: loads, resets and alterations too.
    """

    runs: int = 0
    loads: int = 0
    resets: int = 0
    failures: int = 0
    analysis_seconds: float = 0.0
    engine_seconds: float = 0.0

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(*(mine + theirs for mine, theirs in zip(self.values, other.values, strict=True)))

    @property
    def values(self) -> tuple[float, ...]:
        """The figures in the order of the fields."""
        return (
            *(self.runs, self.loads, self.resets, self.failures),
            *(self.analysis_seconds, self.engine_seconds),
        )


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
