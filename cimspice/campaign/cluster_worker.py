"""What runs on another machine: a Dask worker hands each task to a worker process of its own `Pool`.

The process in between keeps the time: an ngspice that hangs is killed, as in a local campaign, and a crash of
ngspice costs a chunk, not the Dask worker. The Dask worker itself only passes bytes on.
"""

from __future__ import annotations

import contextlib
import pickle
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

import cimspice
from cimspice.bench import Bench
from cimspice.campaign.environment import Environment
from cimspice.campaign.provenance import code_digest, own_files
from cimspice.campaign.work import Chunk
from cimspice.errors import CimspiceError, ClusterError, PdkError
from cimspice.pdk import locate
from cimspice.spice import Pool, Session
from cimspice.spice.library import find_library


@dataclass(frozen=True)
class Facts:
    """What two machines must have in common for a point to have the same result on both."""

    python: str
    """Major and minor version: what is pickled here is read there."""
    cimspice: str
    """Its version."""
    ngspice: str
    """As ``Environment.ngspice``."""

    @classmethod
    @lru_cache(maxsize=1)
    def here(cls) -> Facts:
        """This machine's (EngineMissing without ngspice)."""
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        return cls(python, cimspice.__version__, Environment.detect().ngspice)


@dataclass(frozen=True)
class Shipment:
    """One item on its way: what must be the same there, files that only the sender has, and the pickled
    pair of function and item; of a chunk of a campaign also the digests of the code that measures and of the
    device models (empty: none are needed).
    """

    facts: Facts
    files: Mapping[str, bytes]
    work: bytes
    code: str = ""
    models: str = ""

    @classmethod
    def of(
        cls, function: Callable[[Any, Any], Any], item: Any, files: dict[type[Bench], dict[str, bytes]]
    ) -> Shipment:
        """From this machine; ``files`` are kept from one item of a campaign to the next."""
        work = pickle.dumps((function, item))
        if not isinstance(item, Chunk):
            return cls(Facts.here(), {}, work)
        bench = type(item.circuit.bench)
        if bench not in files:
            files[bench] = own_files(bench)
        models = locate().digest if item.circuit.models else ""
        return cls(Facts.here(), files[bench], work, code_digest(bench), models)


_code = lru_cache(maxsize=64)(code_digest)  # of what this process has imported


class Slots:
    """Worker processes of one Dask worker, one for each of its threads at most, made when they are needed."""

    def __init__(self, time_limit: float) -> None:
        self.time_limit = time_limit
        self._idle: LifoQueue[Pool] = LifoQueue()
        self._all: list[Pool] = []

    def run(self, shipment: bytes) -> bytes:
        """The pickled result of a pickled `Shipment`, or the `CimspiceError` in its place."""
        try:
            pool = self._idle.get_nowait()
        except Empty:
            pool = Pool(1, time_limit=self.time_limit).__enter__()
            self._all.append(pool)
        try:
            (result,) = pool.map(unpack_and_run, [shipment], on_error="return")
        finally:
            self._idle.put(pool)
        return pickle.dumps(result) if isinstance(result, CimspiceError) else result

    def close(self) -> None:
        """End the processes, busy ones too."""
        for pool in self._all:
            pool.close()


def unpack_and_run(session: Session, packed: bytes) -> bytes:
    """In the worker process: check that it may run the item, run it, and pickle what comes."""
    shipment: Shipment = pickle.loads(packed)
    check(shipment)
    _import(shipment.files)
    try:
        work: tuple[Callable[[Session, Any], Any], Any] = pickle.loads(shipment.work)
    except (ImportError, AttributeError) as error:
        raise ClusterError(
            f"the worker cannot import what it is to run: {error}",
            place=_place(),
            remedy="put the bench into a module of its own (not the script that is run), or install its "
            "package on every machine",
        ) from error
    function, item = work
    if isinstance(item, Chunk) and _code(type(item.circuit.bench)) != shipment.code:
        name = item.circuit.bench.name
        raise _differs("code and packages", f"bench {name} with other code or packages", "these")
    return pickle.dumps(function(session, item))


def check(shipment: Shipment) -> None:
    """ClusterError or PdkError unless the item has the same result here as where it comes from."""
    here, wanted = Facts.here(), shipment.facts
    for field, name in (("python", "Python"), ("cimspice", "cimspice"), ("ngspice", "ngspice")):
        mine, theirs = getattr(here, field), getattr(wanted, field)
        if mine != theirs:
            raise _differs(name, f"{name} {mine}", f"{name} {theirs}")
    if shipment.models:
        _check_models(shipment.models)


def _differs(name: str, mine: str, theirs: str) -> ClusterError:
    return ClusterError(
        f"the worker has {mine}, the campaign {theirs}: results could not be compared",
        place=_place(),
        remedy=f"install the same {name} on every machine (one image or environment for all)",
    )


def _check_models(digest: str) -> None:
    try:
        found = locate().digest
    except PdkError as error:
        raise PdkError(
            f"the worker has no device models: {error.message}",
            place=_place(),
            remedy="run `cimspice pdk install` there, or point CIMSPICE_CACHE or PDK_ROOT at a copy on a "
            "file system that all machines share",
        ) from error
    if found != digest:
        raise PdkError(
            f"the worker's device models are others than the campaign's ({found[:16]}, not {digest[:16]})",
            place=_place(),
            remedy="install the same models on every machine: `cimspice pdk install`, or one PDK_ROOT",
        )


def _import(files: Mapping[str, bytes]) -> None:
    """Put the sender's files where this process finds them: into its private folder."""
    folder = Path.cwd() / "modules"
    for name, content in files.items():
        path = folder / name
        if Path(name).stem not in sys.modules and not path.exists() and path.resolve().is_relative_to(folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _place() -> str:
    library = ""
    with contextlib.suppress(CimspiceError):
        library = f", {find_library()}"
    return f"host {socket.gethostname()}, {sys.executable}{library}"
