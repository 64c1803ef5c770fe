"""Calls to a Dask scheduler that may never answer: each has a limit, and Ctrl-C is heard while it lasts."""

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

from cimspice.errors import ClusterError, ParameterError

LOCAL = "local"

_START = "start one with `dask scheduler` and give its address as tcp://HOST:8786; see docs/cluster.md"
_LARGEST_TEXT = 200

T = TypeVar("T")


def begun(function: Callable[[], T]) -> Future[T]:
    """A call in a thread of its own, which ends with this process at the latest.

    Ctrl-C means nothing to what the thread starts, and is heard by whoever waits for the result.
    """
    call: Future[T] = Future()

    def run() -> None:
        try:
            call.set_result(function())
        except BaseException as error:
            call.set_exception(error)

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # threads and processes inherit it
    try:
        Thread(target=run, daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return call


def within(seconds: float, function: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
    """What a call gives; TimeoutError if it takes longer. ``undo`` gets what comes too late."""
    call = begun(function)
    try:
        return call.result(seconds)
    except BaseException:
        if undo is not None:
            call.add_done_callback(lambda late: _undone(late, undo))
        raise


def _undone(late: Future[T], undo: Callable[[T], object]) -> None:
    with suppress(Exception):  # it failed by itself, or this process ends
        undo(late.result())


def check_address(address: str) -> None:
    """ParameterError unless it has the form of a scheduler's address."""
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend

    try:
        scheme, place = parse_address(address)
        get_backend(scheme)
        parse_host_port(place)
    except (ValueError, ImportError) as error:
        raise ParameterError(
            f"{address!r} is not the address of a Dask scheduler: {error}", place="--dask", remedy=_START
        ) from None


def reach(address: str, seconds: float) -> None:
    """Shake hands with what listens there: Dask's client would try for minutes, and end with a traceback.

    ClusterError if no scheduler answers.
    """
    from distributed import Security
    from distributed.comm.core import connect

    async def shake_hands() -> None:
        # Dask limits the time to connect, and says why it could not; not that of the handshake.
        arguments = Security().get_connection_args("client")
        async with asyncio.timeout(seconds):
            comm = await connect(address, timeout=0.9 * seconds, **arguments)
        comm.abort()

    try:
        within(seconds + 1.0, lambda: asyncio.run(shake_hands()))  # a look-up of the name may hold it up
    except Exception as error:  # whatever the words of a stranger bring about in Dask's reader
        raise no_answer(address, seconds, error) from error


def no_answer(address: str, seconds: float, error: Exception) -> ClusterError:
    """Of an address at which no scheduler was found in so many seconds."""
    if isinstance(error, TimeoutError):
        said = "what is there says nothing"
    elif isinstance(error, OSError):
        said = words(error.__cause__ or error)  # why it "timed out trying to connect"
    else:
        said = f"another program is there ({words(error)})"
    return ClusterError(
        f"no Dask scheduler answers within {seconds:g} s: {said}",
        place=address,
        remedy=f"see whether it runs, and whether a firewall is in between; {_START}",
    )


def check_versions(found: dict[str, Any], address: str) -> None:
    """ClusterError unless scheduler and workers have this process's Python and Dask."""
    here = _compared(found["client"])
    for place, other in {"the scheduler": found["scheduler"], **found["workers"]}.items():
        theirs = _compared(other) if other else here
        for package, version in theirs.items():
            if version != here[package]:
                raise ClusterError(
                    f"{place} has {package} {version}, this process {here[package]}",
                    place=address,
                    remedy="install the same versions on all machines (one image or environment for all)",
                )


def _compared(versions: dict[str, Any]) -> dict[str, str]:
    packages = versions["packages"]
    python = ".".join(packages["python"].split(".")[:2])
    return {"Python": python, "dask": packages["dask"], "distributed": packages["distributed"]}


def words(error: BaseException) -> str:
    """An exception's text in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0][:_LARGEST_TEXT]
