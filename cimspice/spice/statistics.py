"""What sessions and pools have done, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field


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
        return Statistics(
            self.runs + other.runs,
            self.loads + other.loads,
            self.resets + other.resets,
            self.failures + other.failures,
            self.analysis_seconds + other.analysis_seconds,
            self.engine_seconds + other.engine_seconds,
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

    def __add__(self, other: PoolStatistics) -> PoolStatistics:
        return PoolStatistics(
            self.sessions + other.sessions,
            self.cpu_seconds + other.cpu_seconds,
            self.startup_seconds + other.startup_seconds,
            self.workers_started + other.workers_started,
            self.workers_killed + other.workers_killed,
        )
