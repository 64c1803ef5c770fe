"""ngspice in this process, through PySpice's low-level binding, with its traps closed.

What is PySpice's: the declaration of the C interface (``api.h``), the cffi handle and the class
`NgSpiceShared`. What is not used, and why:

- its search for the library finds ``libngspice.so`` only, while distributions ship ``libngspice.so.0``;
- its start-up declares the C interface twice when a second engine is made, reads the version as a command,
  warns of any version after 34, and registers a progress callback that costs Python time at every accepted
  time point;
- its ``exec_command`` takes any ``Note:`` on stderr for a failure, and its ``load_circuit`` takes a deck that
  was not parsed for a success (ngspice then runs the previous circuit again);
- its exit callback does nothing: after ngspice asked to be detached, good decks fail too;
- its ``Simulation`` layer leaks the whole circuit at each run (436 kB) and can return the previous circuit's
  data; its waveforms fail with numpy 2.4; its netlist parser drops parameters of SKY130 devices;
- its subprocess mode cannot read the raw files of current versions.

So this subclass keeps the handle and replaces start-up, callbacks, commands and reading. It judges nothing:
the words that ngspice said are collected and judged in `cimspice.spice.failures`.
"""

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
from cffi import CDefError
from PySpice.Spice.NgSpice import Shared
from PySpice.Spice.NgSpice.Shared import NgSpiceShared

from cimspice.errors import EngineMissing
from cimspice.spice.library import find_library
from cimspice.spice.start_up import PlainNumbers, settings_hidden, write_spiceinit
from cimspice.spice.waveforms import plain_name
from cimspice.spice.work_folder import WorkFolder

# cffi's types are made at run time: there is nothing a type checker could know of them.
ffi: Any = Shared.ffi

_originals_taken: set[str] = set()


# Held by whoever is inside the library: its copies share the process's locale, working directory and cffi.
one_thread = threading.RLock()
os.register_at_fork(after_in_child=one_thread._at_fork_reinit)  # pyright: ignore[reportAttributeAccessIssue] (not in the stubs)


class Engine(NgSpiceShared):
    """One loaded copy of libngspice: commands in, words and vectors out.

    ngspice keeps everything in global variables, so two engines in one process need two copies of the
    library's file; the first engine loads the installed file itself, later ones a private copy.

    Attributes
    ----------
    wants_exit
        True once ngspice asked to be detached: nothing it says afterwards can be trusted.
    """

    _ngspice_shared: Any

    def __init__(self) -> None:
        self.wants_exit = False
        self._words: list[str] = []
        with one_thread:
            self._folder = WorkFolder("engine")
            self._library_path = self._own_library(find_library())
            self._load_library(verbose=False)
            self._init_ngspice(send_data=False)

    def _own_library(self, path: str) -> str:
        real = os.path.realpath(path)
        if real not in _originals_taken:
            _originals_taken.add(real)
            return path
        return str(shutil.copy(real, self._folder.path / "libngspice-copy.so"))

    def _load_library(self, verbose: bool) -> None:
        try:
            ffi.typeof("vector_info")
        except CDefError:
            ffi.cdef(Path(Shared.__file__).with_name("api.h").read_text())
        try:
            self._ngspice_shared = ffi.dlopen(self._library_path)
        except OSError as error:
            raise EngineMissing(
                f"{self._library_path} could not be loaded: {error}",
                place=str(self._library_path),
                remedy="install libngspice for this machine, or set NGSPICE_LIBRARY_PATH to another one",
            ) from error

    def _init_ngspice(self, send_data: bool) -> None:
        self._callbacks = (
            ffi.callback("int (char *, int, void *)", self._hear),
            ffi.callback("int (int, bool, bool, int, void *)", self._hear_exit),
            ffi.callback("int (bool, int, void *)", lambda *_: 0),
        )
        hear, hear_exit, background = self._callbacks
        write_spiceinit(self._folder.path)
        # ngspice reads .spiceinit from the working directory, and only here.
        before = os.getcwd()
        os.chdir(self._folder.path)
        try:
            with settings_hidden(), PlainNumbers():
                code = self._ngspice_shared.ngSpice_Init(
                    hear, ffi.NULL, hear_exit, ffi.NULL, ffi.NULL, background, ffi.NULL
                )
        finally:
            os.chdir(before)
        if code:
            raise EngineMissing(f"ngSpice_Init returned {code}", words="\n".join(self.take_words()))
        self.command("set nomoremode")
        self.take_words()

    def _hear(self, message: Any, _id: int, _data: Any) -> int:
        self._words.append(ffi.string(message).decode("utf-8", "replace"))
        return 0

    def _hear_exit(self, status: int, _now: bool, _quit: bool, _id: int, _data: Any) -> int:
        self.wants_exit = True
        return status

    def take_words(self) -> list[str]:
        """What ngspice said since the last call; each line begins with ``stdout`` or ``stderr``."""
        words, self._words = self._words, []
        return words

    def command(self, words: str) -> None:
        """Execute one ngspice command. Its return code says nothing, so none is returned."""
        with one_thread, PlainNumbers():
            self._ngspice_shared.ngSpice_Command(words.encode("ascii"))

    def free_history(self) -> None:
        """Free ngspice's command history (0.6 kB a run otherwise)."""
        self._ngspice_shared.ngSpice_Command(ffi.NULL)

    def source(self, lines: list[str]) -> None:
        """Hand a deck over, line by line; the first is its title."""
        keep = [ffi.new("char[]", line.encode("ascii")) for line in (*lines, "")]
        with one_thread, PlainNumbers():
            self._ngspice_shared.ngSpice_Circ(ffi.new("char *[]", [*keep, ffi.NULL]))

    def current_plot(self) -> str:
        """Name of the plot that ngspice wrote last, "const" if there is none."""
        return ffi.string(self._ngspice_shared.ngSpice_CurPlot()).decode()

    def vectors(self, plot: str) -> dict[str, np.ndarray]:
        """Copies of every vector of a plot, name -> array of shape (points,)."""
        names = self._ngspice_shared.ngSpice_AllVecs(plot.encode())
        if names == ffi.NULL:
            return {}
        found, k = {}, 0
        while names[k] != ffi.NULL:
            name = ffi.string(names[k]).decode()
            array = self.vector(f"{plot}.{name}")
            if array is not None:
                found[plain_name(name)] = array
            k += 1
        return found

    def vector(self, name: str) -> np.ndarray | None:
        """A copy of one vector, ``None`` if ngspice does not have it."""
        info = self._ngspice_shared.ngGet_Vec_Info(name.encode())
        if info == ffi.NULL:
            return None
        length = info.v_length
        if length == 0:
            return np.empty(0)
        if info.v_compdata != ffi.NULL:
            return np.frombuffer(ffi.buffer(info.v_compdata, 16 * length), dtype=np.complex128).copy()
        return np.frombuffer(ffi.buffer(info.v_realdata, 8 * length), dtype=np.float64).copy()
