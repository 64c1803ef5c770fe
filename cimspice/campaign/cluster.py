"""A campaign's work on a Dask cluster: an engine with the same ``map`` as a local pool.

Needs ``pip install 'cimspice[cluster]'`` here and on every worker. Nothing but work and results crosses the
network: the store has one writer, here.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from multiprocessing import resource_tracker
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from cimspice.campaign.cluster_worker import Shipment
from cimspice.errors import CimspiceError, ClusterError, ParameterError, WorkerLost
from cimspice.spice.interrupts import interrupts_held
from cimspice.spice.pool import Finished, processors

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL = "local"

_START = "start one with `dask scheduler` and give its address as tcp://HOST:8786; see docs/cluster.md"
_REACH_SECONDS = 5.0
_AHEAD = 2  # tasks on their way for each thread: one runs, one waits beside it
_LOOK_SECONDS = 0.01
_COUNT_SECONDS = 2.0
_DRAIN_SECONDS = 5.0
_LARGEST_TEXT = 200


class Cluster:
    """Runs a campaign's chunks on the workers of a Dask scheduler. Use it as a context manager.

    Each Dask worker runs as many ngspice as it has threads, each in a process of its own that stays loaded;
    ``dask worker --nthreads 1 --nworkers auto`` is the usual choice. Workers may come and go meanwhile: a
    lost one costs the chunks that it had, which others run again.

    Parameters
    ----------
    address
        Of the scheduler (``"tcp://host:8786"``), or ``"local"``: a cluster of ``workers`` processes here.
    workers
        Of a local cluster; as many as there are processors if not given.
    time_limit
        Seconds that one chunk may take, as for ``cimspice.spice.Pool``.
    connect_seconds
        How long the scheduler may take to answer.
    patience
        Seconds to wait for a worker while there is none: a queue of a batch system may be long.

    Raises
    ------
    ClusterError
        When it is opened or used: ``distributed`` is not installed, the scheduler does not answer, there is
        no worker, or a worker's Python, cimspice or ngspice is not the one here.
    ParameterError
        If the address is none.
    PdkError
        If a worker's device models are not those here.
    """

    def __init__(
        self,
        address: str,
        *,
        workers: int | None = None,
        time_limit: float = 600.0,
        connect_seconds: float = 30.0,
        patience: float = 600.0,
    ) -> None:
        self.address, self.time_limit = address, time_limit
        self.connect_seconds, self.patience = connect_seconds, patience
        self.size = workers or processors()
        self._name = f"cimspice-{uuid4().hex}"
        self._open = ExitStack()
        self._client: Client | None = None
        self._counted = 0.0

    def __enter__(self) -> Cluster:
        try:
            self._connect(_distributed())
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client = None
        self._open.close()

    def map(
        self,
        function: Callable[[Any, Any], Any],
        items: Iterable[Any],
        *,
        on_error: Literal["raise", "return"] = "raise",
        ordered: bool = True,
    ) -> Iterator[Any]:
        """Run ``function(session, item)`` for every item on the cluster; see ``cimspice.spice.Pool.map``.

        Items are taken as workers need them, two for each thread: there may be millions.
        """
        if self._client is None:
            raise ClusterError(
                "the cluster is not open", place="Cluster.map", remedy="use it in a with statement"
            )
        results = self._run(self._client, function, items)
        return _settled(_in_order(results) if ordered else results, on_error, ordered)

    def _connect(self, distributed: Any) -> None:
        if self.address == LOCAL:
            resource_tracker.ensure_running()  # by itself it comes first, and lets Ctrl-C through again
            with interrupts_held():
                local = distributed.LocalCluster(
                    n_workers=self.size, threads_per_worker=1, dashboard_address="127.0.0.1:0", processes=True
                )
                self._open.enter_context(local)
        else:
            _check_address(self.address)
            _reach(self.address, min(self.connect_seconds, _REACH_SECONDS))
        try:
            client = distributed.Client(
                local if self.address == LOCAL else self.address,
                timeout=self.connect_seconds,
                set_as_default=False,
            )
        except (OSError, ValueError, TypeError, ImportError) as error:  # TimeoutError is an OSError
            raise _no_answer(self.address, self.connect_seconds, error) from error
        self._open.enter_context(client)
        _check_versions(client, self.address)
        self._client = client
        self._await_workers(client)
        self._open.callback(self._end_processes, client)
        from cimspice.campaign.cluster_plugin import ProcessesOfWorker

        try:
            client.register_plugin(ProcessesOfWorker(self.time_limit), name=self._name)
        except Exception as error:  # whatever a worker raises when it cannot import cimspice
            raise ClusterError(
                f"a worker cannot run campaigns: {_words(error)}",
                place=self.address,
                remedy="pip install 'cimspice[cluster]' of this version on every machine of the cluster",
            ) from error

    def _end_processes(self, client: Client) -> None:
        # The scheduler may be gone: then the workers end them with themselves.
        with suppress(Exception):
            client.unregister_worker_plugin(self._name)

    def _await_workers(self, client: Client) -> None:
        """Wait until there is a worker, and note how many threads there are."""
        until = time.monotonic() + self.patience
        while not (threads := _threads(client)):
            if time.monotonic() > until:
                raise ClusterError(
                    f"no worker has come within {self.patience:g} s",
                    place=self.address,
                    remedy=f"start some with `dask worker {self.address} --nthreads 1 --nworkers auto`; "
                    "finished points are kept",
                )
            time.sleep(0.2)
        self.size, self._counted = threads, time.monotonic()

    def _run(
        self, client: Client, function: Callable[[Any, Any], Any], items: Iterable[Any]
    ) -> Iterator[tuple[int, Any]]:
        """Places of items and what came of them, as they come."""
        from distributed import as_completed

        from cimspice.campaign.cluster_plugin import run_shipment

        waiting = enumerate(items)
        places: dict[Future, int] = {}
        files: dict[Any, dict[str, bytes]] = {}
        finished = as_completed([], loop=client.loop, with_results=True, raise_errors=False)
        try:
            while True:
                while len(places) < _AHEAD * self.size and (following := next(waiting, None)) is not None:
                    place, item = following
                    shipment = pickle.dumps(Shipment.of(function, item, files))
                    key = f"{self._name}-{place}"
                    future = client.submit(run_shipment, self._name, shipment, key=key, pure=False)
                    places[future] = place
                    finished.add(future)
                if not places:
                    return
                self._wait(client, finished)
                for future, result in finished.next_batch(block=False):
                    yield places.pop(future), _unpacked(future, result)
                    future.release()
        finally:
            with suppress(Exception):
                client.cancel(list(places), force=True)
                _drain(finished)

    def _wait(self, client: Client, finished: Any) -> None:
        """Until there are results; now and then, see whether the cluster is still there."""
        while not finished.has_ready():
            time.sleep(_LOOK_SECONDS)
            if time.monotonic() - self._counted < _COUNT_SECONDS:
                continue
            if client.status != "running":
                self._check_connection(client)
            self._await_workers(client)

    def _check_connection(self, client: Client) -> None:
        until = time.monotonic() + self.connect_seconds
        while client.status != "running":
            if client.status == "closed" or time.monotonic() > until:
                raise ClusterError(
                    "the connection to the Dask scheduler is lost",
                    place=self.address,
                    remedy="see what became of it, start it again, and say the same command: finished points "
                    "are kept",
                )
            time.sleep(0.1)


def _check_address(address: str) -> None:
    from distributed.comm.addressing import parse_address, parse_host_port

    try:
        parse_host_port(parse_address(address)[1])
    except ValueError as error:
        raise ParameterError(
            f"{address!r} is not the address of a Dask scheduler: {error}", place="--dask", remedy=_START
        ) from None


def _reach(address: str, seconds: float) -> None:
    """Shake hands with what listens there: Dask's client would try for minutes, and end with a traceback."""
    import asyncio

    from distributed import Security
    from distributed.comm.core import connect

    async def shake_hands() -> None:
        comm = await connect(address, timeout=seconds, **Security().get_connection_args("client"))
        await comm.close()

    try:
        asyncio.run(shake_hands())
    except Exception as error:  # whatever the words of a stranger bring about in Dask's reader
        raise _no_answer(address, seconds, error) from error


def _no_answer(address: str, seconds: float, error: Exception) -> ClusterError:
    return ClusterError(
        f"no Dask scheduler answers within {seconds:g} s: {_words(error)}", place=address, remedy=_START
    )


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ClusterError(
            f"Dask is not installed: {error}",
            place="--dask",
            remedy="pip install 'cimspice[cluster]', here and on every machine of the cluster",
        ) from error
    return distributed


def _threads(client: Any) -> int:
    return sum(client.nthreads().values())


def _check_versions(client: Any, address: str) -> None:
    """ClusterError unless scheduler and workers have this process's Python and Dask."""
    found = client.get_versions()
    here = _told(found["client"])
    for place, other in {"the scheduler": found["scheduler"], **found["workers"]}.items():
        theirs = _told(other) if other else here
        for package, version in theirs.items():
            if version != here[package]:
                raise ClusterError(
                    f"{place} has {package} {version}, this process {here[package]}",
                    place=address,
                    remedy="install the same versions on all machines (one image or environment for all)",
                )


def _told(versions: dict[str, Any]) -> dict[str, str]:
    packages = versions["packages"]
    python = ".".join(packages["python"].split(".")[:2])
    return {"Python": python, "dask": packages["dask"], "distributed": packages["distributed"]}


def _unpacked(future: Future, result: Any) -> Any:
    """A task's value, or the exception in its place."""
    if future.status == "finished":
        return pickle.loads(result)
    error = result[1] if isinstance(result, tuple) else result
    if isinstance(error, CimspiceError):
        return error
    if isinstance(error, CancelledError) or type(error).__name__ == "KilledWorker":
        return WorkerLost(
            f"Dask workers were lost with it: {_words(error)}",
            remedy="see the workers' logs; mostly memory ran out (`dask worker --memory-limit`)",
        )
    return error


def _drain(finished: Any) -> None:
    """Wait for what was cancelled: closing a connection in the middle of a result is logged as an error."""
    until = time.monotonic() + _DRAIN_SECONDS
    while not finished.is_empty() and time.monotonic() < until:
        finished.next_batch(block=False)
        time.sleep(_LOOK_SECONDS)


def _in_order(results: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    early: dict[int, Any] = {}
    following = 0
    for place, value in results:
        early[place] = value
        while following in early:
            yield following, early.pop(following)
            following += 1


def _settled(results: Iterator[tuple[int, Any]], on_error: str, ordered: bool) -> Iterator[Any]:
    for place, value in results:
        fatal = not isinstance(value, CimspiceError) or isinstance(value, ClusterError)
        if isinstance(value, BaseException) and (fatal or on_error == "raise"):
            raise value
        yield value if ordered else Finished(place, value)


def _words(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:_LARGEST_TEXT]
