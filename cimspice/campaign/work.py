"""What a worker does: load a circuit, then alter, run and measure for each of a chunk's points."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cimspice.bench import Bench
from cimspice.bench.bench_call import analysis_of, measured, options_of
from cimspice.campaign.monte_carlo import vary
from cimspice.campaign.policy import relaxed
from cimspice.campaign.waveform_file import Vectors, columns_of
from cimspice.errors import (
    CimspiceError,
    EngineMissing,
    NonConvergence,
    PdkError,
    SimulationError,
    TableError,
)
from cimspice.netlist import NetlistParameters

if TYPE_CHECKING:
    from cimspice.campaign.plan import Circuit, Point
    from cimspice.spice import Session, Waveforms


@dataclass(frozen=True)
class Chunk:
    """Points of one circuit that one worker runs after another; whether those that do not converge are tried
    again with relaxed options; vectors to send back (empty: all that are saved; None: none).
    """

    circuit: Circuit
    points: tuple[Point, ...]
    relax: bool = False
    keep: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a point: ``rows`` (column -> values) or the ``error``; CPU and wall seconds spent on it;
    ``waveforms`` of what gave the rows, if they are kept.

    Both rows and error: the point failed with the error, and gave the rows with relaxed options.
    """

    rows: dict[str, list[Any]] | None
    error: CimspiceError | None
    cpu_seconds: float
    wall_seconds: float
    waveforms: Vectors | None = None


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
        got, failure = _Got(None), None
        try:
            got = _run_point(session, chunk, point, last if fresh else None)
            fresh = True
        except (EngineMissing, PdkError):
            raise
        except CimspiceError as error:
            failure, fresh = error, False
            if chunk.relax and isinstance(error, NonConvergence):
                got = _run_relaxed(session, chunk, point, error)
        last = point
        spent = time.process_time() - cpu, time.monotonic() - wall
        outcomes.append(Outcome(got.rows, failure, *spent, got.waveforms))
    return outcomes


class _Got(NamedTuple):
    rows: dict[str, list[Any]] | None
    waveforms: Vectors | None = None


def _run_relaxed(session: Session, chunk: Chunk, point: Point, first: NonConvergence) -> _Got:
    """What relaxed options give; nothing, and a word in the first error, if they do not help."""
    try:
        return _run_point(session, chunk, point, None, relax=True)
    except (EngineMissing, PdkError):
        raise
    except CimspiceError:
        first.message += "; relaxed options did not help"
        return _Got(None)


def _run_point(
    session: Session, chunk: Chunk, point: Point, last: Point | None, *, relax: bool = False
) -> _Got:
    circuit = chunk.circuit
    bench, parameters = circuit.bench, point.parameters
    if parameters is None:
        raise SimulationError("a point without parameters cannot be run", place=bench.name)
    options = options_of(bench, parameters)
    variation = circuit.variation
    if last is None or last.parameters is None or options_of(bench, last.parameters) != options:
        session.load(
            circuit.netlist,
            corner=point.corner,
            temperature=point.temperature,
            options=relaxed(options) if relax else options,
            flat=bench.flat,
        )
    else:
        if point.temperature != last.temperature:
            session.set_temperature(point.temperature)
        # setting the corner resets the circuit, also where the corner stays; a process sample will by itself
        resets = variation is not None and variation.settings.process
        if point.corner != last.corner or (point.temperature == last.temperature and not resets):
            session.set_corner(point.corner)
    if variation is not None and point.sample is not None:
        text = circuit.netlist.text
        vary(session, variation, point.sample, netlist_text=text, corner=point.corner, flat=bench.flat)
    for device, value in point.altered:
        session.alter(device, value)
    waveforms = session.run(analysis_of(bench, parameters))
    kept = None if chunk.keep is None else columns_of(waveforms, chunk.keep)
    return _Got(measured_rows(bench, parameters, waveforms), kept)


def measured_rows(bench: Bench, parameters: NetlistParameters, waveforms: Waveforms) -> dict[str, list[Any]]:
    """What the bench measures, as column -> values; checked against the columns that it declares.

    TableError if columns are missing or too many, or there is no row; SimulationError if the measurement
    raises anything else: named with the line of the bench that raised it.
    """
    frame = measured(bench, parameters, waveforms)
    if set(frame.columns) != set(bench.columns):
        raise TableError(
            f"measured columns {sorted(frame.columns)} are not those declared: {sorted(bench.columns)}",
            place=f"bench {bench.name}",
            remedy="make measure and columns agree",
        )
    if len(frame) == 0:
        raise TableError("the measurement gave no row", place=f"bench {bench.name}")
    return {name: frame[name].tolist() for name in bench.columns}
