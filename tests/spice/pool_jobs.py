"""What the pool's tests let workers do; at module level, so that it can be sent to them."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from spice_circuits import DIVIDER, IMPOSSIBLE, circuit

from cimspice.spice import Op, Pool, Session


def half(session: Session, voltage: float) -> float:
    session.configure(DIVIDER, alterations={"vin": voltage})
    return float(session.run(Op())["out"][0])


def half_and_process(session: Session, voltage: float) -> tuple[float, int]:
    return half(session, voltage), os.getpid()


def working_directory(session: Session, _item: object) -> tuple[str, str]:
    return os.getcwd(), Path(".spiceinit").read_text()


def behave(session: Session, how: str | float) -> float:
    """Compute, or misbehave as asked."""
    if how == "hang":
        session.load(IMPOSSIBLE)
        session.run(Op())
    elif how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "ask for exit":
        session.load(circuit("v1 a 0 1\nr1 a 0 {nobody}"))
    elif how == "program error":
        raise KeyError("a mistake in the function")
    elif how == "unpicklable":
        return lambda: 0  # pyright: ignore[reportReturnType] -- that is the point
    return half(session, float(how))


def die_once(session: Session, item: tuple[str, float]) -> float:
    """Be killed the first time, work the second."""
    mark, voltage = Path(item[0]), item[1]
    if voltage == 3.0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return half(session, voltage)


def wait_for(session: Session, mark: str | None) -> str:
    """Answer at once, or when a file is there."""
    while mark is not None and not Path(mark).exists():
        time.sleep(0.01)
    return mark or "at once"


def pause(session: Session, seconds: float) -> float:
    """Wait, as on a machine that is busy with other things."""
    time.sleep(seconds)
    return seconds


def report_and_sleep(session: Session, folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def main(folder: str) -> None:
    """A program to be interrupted: two workers that would sleep for ten minutes."""
    with Pool(2) as pool:
        list(pool.map(report_and_sleep, [folder, folder]))


if __name__ == "__main__":
    main(sys.argv[1])
