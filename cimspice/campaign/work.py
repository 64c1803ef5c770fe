"""What a worker does: load a circuit, then alter, run and measure for each of a chunk's points."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cimspice.campaign.plan import Circuit, Point
from cimspice.circuits import Bench
from cimspice.errors import CimspiceError, EngineMissing, PdkError, SimulationError, TableError
from cimspice.netlist import NetlistParameters

if TYPE_CHECKING:
    from cimspice.spice import Session, Waveforms


@dataclass(frozen=True)
class Chunk:
    """Points of one circuit that one worker runs after another."""

    circuit: Circuit
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a point: ``rows`` (column -> values) or the ``error``; CPU and wall seconds spent on
    it.
    """

    rows: dict[str, list[Any]] | None
    error: CimspiceError | None
    cpu_seconds: float
    wall_seconds: float


def run_chunk(session: Session, chunk: Chunk) -> list[Outcome]:
    """Run every point of a chunk; one outcome each, in order. A failed point does not stop the others.

    A point's result depends on nothing but the point: before each one the circuit is set up afresh (a reset
    costs 1 ms), since ngspice otherwise starts from what the point before has left and differs in the last
    bits.

    Raises
    ------
    EngineMissing, PdkError
        What no point can do without.
    """
    outcomes: list[Outcome] = []
    fresh = False  # whether the session holds this circuit, unharmed
    last: Point | None = None
    for point in chunk.points:
        cpu, wall = time.process_time(), time.monotonic()
        rows, failure = None, None
        try:
            rows = _run_point(session, chunk.circuit, point, last if fresh else None)
            fresh = True
        except (EngineMissing, PdkError):
            raise
        except CimspiceError as error:
            failure, fresh = error, False
        last = point
        outcomes.append(Outcome(rows, failure, time.process_time() - cpu, time.monotonic() - wall))
    return outcomes


def _run_point(session: Session, circuit: Circuit, point: Point, last: Point | None) -> dict[str, list[Any]]:
    bench, parameters = circuit.bench, point.parameters
    if parameters is None:
        raise SimulationError("a point without parameters cannot be run", place=bench.name)
    options = bench.options(parameters)
    if last is None or last.parameters is None or bench.options(last.parameters) != options:
        session.load(
            circuit.netlist,
            corner=point.corner,
            temperature=point.temperature,
            options=options,
            flat=bench.flat,
        )
    else:
        if point.temperature != last.temperature:
            session.set_temperature(point.temperature)
        if point.temperature == last.temperature or point.corner != last.corner:
            session.set_corner(point.corner)  # resets the circuit, also where the corner stays
    for device, value in point.altered:
        session.alter(device, value)
    return measured_rows(bench, parameters, session.run(bench.analysis(parameters)))


def measured_rows(bench: Bench, parameters: NetlistParameters, waveforms: Waveforms) -> dict[str, list[Any]]:
    """What the bench measures, as column -> values; checked against the columns that it declares.

    Raises
    ------
    TableError
        If columns are missing or too many, or there is no row.
    SimulationError
        If the measurement raises anything else: named with the line of the bench that raised it.
    """
    try:
        frame = bench.measure(parameters, waveforms)
    except CimspiceError:
        raise
    except Exception as error:  # a bench is the user's code: its fault is the point's, not the campaign's
        line = traceback.extract_tb(error.__traceback__)[-1]
        raise SimulationError(
            f"the measurement failed: {type(error).__name__}: {error}",
            place=f"bench {bench.name}, {line.filename}:{line.lineno}",
            remedy="correct the bench's measure",
        ) from error
    if set(frame.columns) != set(bench.columns):
        raise TableError(
            f"measured columns {sorted(frame.columns)} are not those declared: {sorted(bench.columns)}",
            place=f"bench {bench.name}",
            remedy="make measure and columns agree",
        )
    if len(frame) == 0:
        raise TableError("the measurement gave no row", place=f"bench {bench.name}")
    return {name: frame[name].tolist() for name in bench.columns}
