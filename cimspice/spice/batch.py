"""The reference path: one ``ngspice -b`` per run in a private directory, with the same deck and judgement."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cimspice.errors import BadParameter, SimulationError, TimeLimit, WorkerLost
from cimspice.spice.analysis import Analysis
from cimspice.spice.deck import Deck, HasText, Models, compose
from cimspice.spice.failures import check_names, complaints, failure, judge, read_plot
from cimspice.spice.library import find_executable
from cimspice.spice.lint import check_listed_resistors
from cimspice.spice.options import SolverOptions
from cimspice.spice.rawfile import RawPlot, read_raw
from cimspice.spice.start_up import environment, write_spiceinit
from cimspice.spice.waveforms import Waveforms
from cimspice.spice.work_folder import WorkFolder

_SET_PARENT_DEATH_SIGNAL = 1  # linux/prctl.h
_KINDS = {
    "Operating Point": "op",
    "DC transfer characteristic": "dc",
    "Transient Analysis": "tran",
    "AC Analysis": "ac",
    "Noise": "noise",
    "Integrated Noise": "noise",
}


def simulate_batch(
    netlist: HasText,
    analysis: Analysis,
    *,
    corner: str = "tt",
    temperature: float = 27.0,
    options: SolverOptions | None = None,
    models: str | Models | None = None,
    flat: bool = False,
    time_limit: float | None = None,
) -> Waveforms:
    """Run one analysis in a process of its own; parameters as for `cimspice.spice.simulate`.

    On Linux that process does not outlive this one, however this one ends.

    Parameters
    ----------
    time_limit
        Seconds after which the process is killed.
    """
    deck = compose(netlist, corner=corner, temperature=temperature, options=options, models=models, flat=flat)
    return run_deck(deck, analysis, time_limit)


def run_deck(deck: Deck, analysis: Analysis, time_limit: float | None = None) -> Waveforms:
    """Run one analysis of a composed deck with ``ngspice -b -r``."""
    check_names(analysis, deck)
    saves = [f".save {_word(name)}" for name in analysis.asked]
    listing = [".control", "listing expand", ".endc"] if deck.computed_resistors else []
    analyses = ["." + command for command in analysis.commands]
    lines = [*deck.lines, *saves, *analyses, *listing, ".end"]
    with WorkFolder("batch") as own:
        folder = own.path
        write_spiceinit(folder)
        (folder / "deck.cir").write_text("\n".join(lines) + "\n", encoding="ascii")
        words, code = _execute(folder, time_limit)
        if code < 0:
            raise WorkerLost(
                f"ngspice died ({signal.Signals(-code).name})",
                words="\n".join(words),
                place=analysis.command,
                remedy="SIGKILL mostly means that memory ran out",
            )
        if complaints(words):
            raise failure(words, lines, analysis.command)
        if listing:
            check_listed_resistors(words)
        plots = read_raw(folder / "out.raw")
    plot, vectors = _merge(plots, analysis)
    judge(analysis, plot, vectors, words, lines)
    if code:
        raise failure(words, lines, analysis.command)
    return Waveforms(analysis.axis, vectors)


def _word(name: str) -> str:
    """A saved vector as a ``.save`` card names it."""
    if name.endswith("#branch"):
        return f"i({name.removesuffix('#branch')})"
    return name if name.startswith("@") else f"v({name})"


def _execute(folder: Path, time_limit: float | None) -> tuple[list[str], int]:
    command = [find_executable(), "-b", "-r", "out.raw", "deck.cir"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=time_limit,
            preexec_fn=_ends_with(os.getpid()),
        )
    except subprocess.TimeoutExpired as error:
        raise TimeLimit(
            f"ngspice ran past its time limit of {time_limit:g} s and was killed",
            remedy="an impossible operating point makes ngspice hang; else allow more time",
        ) from error
    streams = (("stdout", done.stdout), ("stderr", done.stderr))
    return [f"{stream} {line}" for stream, text in streams for line in text.splitlines()], done.returncode


def _ends_with(parent: int) -> Callable[[], None] | None:
    """What a new process calls so that the kernel kills it when its parent ends; None where it cannot."""
    if sys.platform != "linux":
        return None
    process_control = ctypes.CDLL(None).prctl  # looked up here: after the fork there may be locks held

    def bind() -> None:
        process_control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended meanwhile
            os._exit(1)

    return bind


def _merge(plots: list[RawPlot], analysis: Analysis) -> tuple[str, dict[str, np.ndarray]]:
    kinds = {next((v for k, v in _KINDS.items() if plot.title.startswith(k)), "other") for plot in plots}
    if kinds != {analysis.plot}:
        raise BadParameter(
            f"the raw file holds {sorted(kinds)} instead of {analysis.plot}", place=analysis.command
        )
    if not plots:
        raise SimulationError("the raw file is empty", place=analysis.command)
    return analysis.plot, read_plot(analysis, [plot.vectors for plot in plots])
