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

from cimspice.campaign.cluster_connection import (
    LOCAL,
    begun,
    check_address,
    check_versions,
    no_answer,
    reach,
    within,
    words,
)
from cimspice.campaign.cluster_worker import Shipment
from cimspice.errors import CimspiceError, ClusterError, WorkerLost
from cimspice.spice.pool import Finished, processors

if TYPE_CHECKING:
    from distributed import Client, Future

_REACH_SECONDS = 5.0
_AHEAD = 2  # tasks on their way for each thread: one runs, one waits beside it
_LOOK_SECONDS = 0.01
_COUNT_SECONDS = 2.0
_DRAIN_SECONDS = 5.0
_ANSWER_SECONDS = 1.0  # at the end, or after Ctrl-C


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
        self._silent = False

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
            local = self._started(
                lambda: distributed.LocalCluster(
                    n_workers=self.size, threads_per_worker=1, dashboard_address="127.0.0.1:0", processes=True
                )
            )
            self._open.enter_context(local)
        else:
            check_address(self.address)
            reach(self.address, min(self.connect_seconds, _REACH_SECONDS))
        try:
            client = within(
                self.connect_seconds + 1.0,
                lambda: distributed.Client(
                    local if self.address == LOCAL else self.address,
                    timeout=self.connect_seconds,
                    set_as_default=False,
                ),
                undo=lambda late: late.close(),
            )
            self._open.callback(self._leave, client)
            versions = self._ask(client, client.get_versions)
        except (OSError, ValueError, TypeError, ImportError) as error:  # TimeoutError is an OSError
            raise no_answer(self.address, self.connect_seconds, error) from error
        check_versions(versions, self.address)
        self._client = client
        self._await_workers(client)
        from cimspice.campaign.cluster_plugin import ProcessesOfWorker

        plugin = ProcessesOfWorker(self.time_limit)
        try:
            self._ask(client, lambda: client.register_plugin(plugin, name=self._name))
        except ClusterError:
            raise
        except Exception as error:  # whatever a worker raises when it cannot import cimspice
            raise ClusterError(
                f"a worker cannot run campaigns: {words(error)}",
                place=self.address,
                remedy="pip install 'cimspice[cluster]' of this version on every machine of the cluster",
            ) from error

    def _started(self, start: Callable[[], Any]) -> Any:
        """A local cluster."""
        try:
            return within(self.patience, start, undo=lambda late: late.close())
        except TimeoutError as error:
            raise ClusterError(
                f"the {self.size} processes of a local cluster have not started within {self.patience:g} s",
                place="--dask local",
                remedy="start fewer of them (--jobs), or none: leave --dask out",
            ) from error

    def _ask(self, client: Client, function: Callable[[], Any]) -> Any:
        """What scheduler and workers answer; the workers may take long, as long as the scheduler answers."""
        call, until = begun(function), time.monotonic() + self.patience
        while True:
            try:
                return call.result(_COUNT_SECONDS)
            except TimeoutError:
                if call.done():
                    raise
            if time.monotonic() > until:
                raise self._silence("one of its workers", self.patience)
            self._threads(client)

    def _threads(self, client: Client) -> int:
        """How many threads the scheduler's workers have."""
        counted: Any = client.nthreads  # typed as if it might be a coroutine
        try:
            return sum(within(self.connect_seconds, counted).values())
        except TimeoutError:
            self._silent = True
            raise self._silence("it", self.connect_seconds) from None
        except OSError:
            self._check_connection(client)
            return 0  # the next look shows it

    def _silence(self, who: str, seconds: float) -> ClusterError:
        return ClusterError(
            f"connected to the Dask scheduler, and {who} has not answered for {seconds:g} s",
            place=self.address,
            remedy="see whether it is stopped or overloaded, start it again, and say the same command: "
            "finished points are kept",
        )

    def _leave(self, client: Client) -> None:
        """End the processes on the workers, and the connection.

        The scheduler may be gone or silent: then the processes end with their workers.
        """
        with suppress(Exception):
            if self._answers(client):
                within(_DRAIN_SECONDS, lambda: client.unregister_worker_plugin(self._name))
        closing = begun(client.close)
        if not self._silent:
            with suppress(Exception):
                closing.result(_DRAIN_SECONDS)

    def _answers(self, client: Client) -> bool:
        """Whether the scheduler answers now: what it does not hear is not waited for."""
        if not self._silent:
            try:
                within(_ANSWER_SECONDS, client.nthreads)
            except Exception:
                self._silent = True
        return not self._silent

    def _await_workers(self, client: Client) -> None:
        """Wait until there is a worker, and note how many threads there are."""
        until = time.monotonic() + self.patience
        while not (threads := self._threads(client)):
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
                if self._answers(client):
                    within(_DRAIN_SECONDS, lambda: client.cancel(list(places), force=True))
                    _drain(finished)

    def _wait(self, client: Client, finished: Any) -> None:
        """Until there are results; now and then, see whether the cluster is still there."""
        while not finished.has_ready():
            time.sleep(_LOOK_SECONDS)
            if time.monotonic() - self._counted < _COUNT_SECONDS:
                continue
            try:
                if client.status != "running":
                    self._check_connection(client)
                self._await_workers(client)
            except ClusterError:
                if not finished.has_ready():  # what came in the meantime is kept first
                    raise

    def _check_connection(self, client: Client) -> None:
        until = time.monotonic() + self.connect_seconds
        while client.status != "running":
            if client.status == "closed" or time.monotonic() > until:
                raise ClusterError(
                    "the connection to the Dask scheduler is lost, and has not come back within "
                    f"{self.connect_seconds:g} s",
                    place=self.address,
                    remedy="see what became of it, start it again, and say the same command: finished points "
                    "are kept",
                )
            time.sleep(0.1)


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


def _unpacked(future: Future, result: Any) -> Any:
    """A task's value, or the exception in its place."""
    if future.status == "finished":
        return pickle.loads(result)
    error = result[1] if isinstance(result, tuple) else result
    if isinstance(error, CimspiceError):
        return error
    if isinstance(error, CancelledError) or type(error).__name__ == "KilledWorker":
        return WorkerLost(
            f"Dask workers were lost with it: {words(error)}",
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
