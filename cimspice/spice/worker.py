"""What runs in a worker process of a `Pool`: one session, fed until the parent is done or gone."""

import os
import pickle
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from cimspice.errors import CimspiceError, SimulationError
from cimspice.spice.progress import Progress
from cimspice.spice.session import Session
from cimspice.spice.start_up import write_spiceinit
from cimspice.spice.statistics import Statistics


class Outcome(NamedTuple):
    """What became of one item: its result, or the error it raised."""

    index: int
    value: Any
    error: Exception | None


class Report(NamedTuple):
    """What a worker sends back: a chunk's outcomes and what they cost.

    ``cpu_seconds`` is the CPU time of the whole worker process so far; ``retire`` asks for a new process.
    """

    outcomes: list[Outcome]
    statistics: Statistics
    cpu_seconds: float
    retire: bool


def serve(connection: Connection, progress_path: str) -> None:
    """Serve chunks ``(function, [(index, item), ...])`` until ``None`` comes.

    Parameters
    ----------
    connection
        To the parent.
    progress_path
        File in which the parent reads which item runs. Its folder is this worker's own, and becomes its
        working directory.
    """
    # The parent alone decides what Ctrl-C means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress = Progress(Path(progress_path))
    folder = Path(progress_path).parent
    os.chdir(folder)
    tempfile.tempdir = str(folder)  # what ngspice's engine puts down goes with the folder
    write_spiceinit(folder)
    session = Session()
    connection.send(Report([], session.statistics, time.process_time(), False))
    while (message := connection.recv()) is not None:
        function, chunk = message
        outcomes = []
        for index, item in chunk:
            progress.begin(index)
            outcomes.append(_attempt(function, session, index, item))
            if session.dead:
                break
        progress.end()
        _send(connection, Report(outcomes, session.statistics, time.process_time(), session.dead))


def _attempt(function: Callable, session: Session, index: int, item: Any) -> Outcome:
    try:
        return Outcome(index, function(session, item), None)
    except Exception as error:
        return Outcome(index, None, _portable(error))


def _portable(error: Exception) -> Exception:
    """The error itself if it survives pickling with its fields, else one that says the same."""
    try:
        copy = pickle.loads(pickle.dumps(error))
    except Exception:
        copy = None
    if type(copy) is type(error) and (isinstance(error, CimspiceError) or str(copy) == str(error)):
        error.add_note("".join(traceback.format_exception(error)))
        return error
    return SimulationError(
        f"{type(error).__name__}: {error}", words="".join(traceback.format_exception(error)), place="worker"
    )


def _send(connection: Connection, report: Report) -> None:
    try:
        connection.send(report)
    except (pickle.PicklingError, TypeError, AttributeError):
        connection.send(report._replace(outcomes=[_sendable(outcome) for outcome in report.outcomes]))


def _sendable(outcome: Outcome) -> Outcome:
    try:
        pickle.dumps(outcome)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        failed = SimulationError(
            f"the function's result cannot be sent back: {error}",
            place="worker",
            remedy="return arrays, numbers, frames or other plain data",
        )
        return Outcome(outcome.index, None, failed)
    return outcome
