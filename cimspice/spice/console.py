"""The command line of one engine: commands in, waveforms out, every word judged, CPU time counted."""

import time
from collections.abc import Callable

import numpy as np

from cimspice.errors import BadParameter, SimulationError
from cimspice.spice.analysis import Analysis
from cimspice.spice.deck import Deck
from cimspice.spice.engine import Engine
from cimspice.spice.failures import check_names, complaints, failure, judge, read_plot
from cimspice.spice.lint import check_listed_resistors
from cimspice.spice.statistics import Statistics
from cimspice.spice.waveforms import Waveforms

_HISTORY_EVERY = 50
_SIGNS = frozenset("<>|!")


class Console:
    """One engine with one circuit.

    Attributes
    ----------
    statistics
        What was done so far.
    used
        Whether the circuit has been run since it was read.
    """

    def __init__(self) -> None:
        self.statistics = Statistics()
        self.used = False
        self._engine: Engine | None = None
        self._saved: tuple[str, ...] = ()

    @property
    def dead(self) -> bool:
        """True if ngspice asked to be detached: the next load takes a new copy of the library."""
        return self._engine is not None and self._engine.wants_exit

    def clear(self) -> None:
        """Remove the circuit and its data, if there are any."""
        if self._engine is not None and not self.dead:
            # The scale of lengths (the PDK sets one) would be the next circuit's too.
            self._commands(self._engine, ["destroy all", "delete all", "remcirc", "unset scale"])
            self._engine.take_words()

    def load(self, deck: Deck) -> None:
        """Read a deck, forgetting the circuit before."""
        if self._engine is None or self._engine.wants_exit:
            self._engine = Engine()
        self.clear()
        self._saved, self.used = (), False
        engine = self._engine
        self._timed(lambda: engine.source([*deck.lines, ".end"]))
        self.statistics.loads += 1
        self._judge_words(engine, deck, "load")
        self._check_resistors(engine, deck)

    def send(self, commands: list[str], deck: Deck) -> None:
        """Commands that say nothing when all is well, such as ``alter``."""
        engine = self._loaded()
        self._commands(engine, commands)
        self._judge_words(engine, deck, commands[-1])

    def reset(self, parameters: dict[str, str], deck: Deck) -> None:
        """Write ``.param`` values (name -> text) into the circuit and read it again, once."""
        self.send([*(f"alterparam {name}={text}" for name, text in parameters.items()), "reset"], deck)
        self.statistics.resets += 1
        # A reset forgets what is to be saved.
        self._saved, self.used = (), False
        self._check_resistors(self._loaded(), deck)

    def run(self, analysis: Analysis, deck: Deck) -> Waveforms:
        """Run an analysis; raises unless the result is new, complete and finite, and ngspice was content."""
        engine = self._loaded()
        check_names(analysis, deck)
        command = analysis.commands[0]
        if not _SIGNS.isdisjoint(command):
            special = next(word for word in command.split() if not _SIGNS.isdisjoint(word))
            raise BadParameter(
                f"a session cannot name {special!r}: < > | and ! are signs of ngspice's command language",
                place=command,
                remedy="run it with simulate_batch, or give the node another name",
            )
        if analysis.asked != self._saved:
            self._commands(engine, ["delete all", *(f"save {_quoted(name)}" for name in analysis.asked)])
            self._saved = analysis.asked
        engine.take_words()
        self.used = True
        for command in analysis.commands:
            self.statistics.analysis_seconds += self._timed(lambda command=command: engine.command(command))
        words = engine.take_words()
        try:
            if engine.wants_exit or complaints(words):
                raise failure(words, deck.lines, analysis.command)
            plot, vectors = _read(engine, analysis)
            judge(analysis, plot, vectors, words, deck.lines)
        except SimulationError:
            self.statistics.failures += 1
            raise
        # Plots left standing slow every later run down, and would be stale data.
        self._commands(engine, ["destroy all"])
        self.statistics.runs += 1
        if self.statistics.runs % _HISTORY_EVERY == 0:
            engine.free_history()
        return Waveforms(analysis.axis, vectors)

    def _loaded(self) -> Engine:
        if self._engine is None:
            raise SimulationError("no circuit is loaded", remedy="call Session.load first")
        return self._engine

    def _timed(self, call: Callable[[], None]) -> float:
        begin = time.thread_time()
        call()
        spent = time.thread_time() - begin
        self.statistics.engine_seconds += spent
        return spent

    def _commands(self, engine: Engine, commands: list[str]) -> None:
        begin = time.thread_time()
        for command in commands:
            engine.command(command)
        self.statistics.engine_seconds += time.thread_time() - begin

    def _judge_words(self, engine: Engine, deck: Deck, context: str) -> None:
        words = engine.take_words()
        if engine.wants_exit or complaints(words):
            self.statistics.failures += 1
            raise failure(words, deck.lines, context)

    def _check_resistors(self, engine: Engine, deck: Deck) -> None:
        """A resistor computed to be 0 would silently become 1 milliohm: look at the expanded circuit."""
        if not deck.computed_resistors:
            return
        self._commands(engine, ["listing expand"])
        try:
            check_listed_resistors(engine.take_words())
        except BadParameter:
            self.statistics.failures += 1
            raise


def _read(engine: Engine, analysis: Analysis) -> tuple[str, dict[str, np.ndarray]]:
    """The new plot's name and vectors; no vectors if the run made no plot of its kind."""
    plot = engine.current_plot()
    if not plot.startswith(analysis.plot):
        return plot, {}
    # The current plot is the last of those made.
    last = int(plot.removeprefix(analysis.plot))
    plots = [engine.vectors(f"{analysis.plot}{k + 1}") for k in range(last - analysis.plots, last)]
    return plot, read_plot(analysis, plots)


def _quoted(name: str) -> str:
    """A vector as the command ``save`` has it: quotes keep ``<`` from naming a file, but not ``!``."""
    return name if name.endswith("!") else f'"{name}"'
