"""The one-call form: a netlist and an analysis in, waveforms out."""

import os

from cimspice.spice.analysis import Analysis
from cimspice.spice.deck import HasText, Models
from cimspice.spice.engine import one_thread
from cimspice.spice.options import SolverOptions
from cimspice.spice.session import Session
from cimspice.spice.waveforms import Waveforms

_own: list[Session] = []
_of_parents: list[Session] = []  # kept: what ends a session is its own process' to do


def _leave_the_parents() -> None:
    """A forked child takes a session of its own: in the parent's, another thread may have been in ngspice,
    whose memory and locks then stay as they were at that moment.
    """
    _of_parents.extend(_own)
    _own.clear()


os.register_at_fork(after_in_child=_leave_the_parents)


def simulate(
    netlist: HasText,
    analysis: Analysis,
    *,
    corner: str = "tt",
    temperature: float = 27.0,
    options: SolverOptions | None = None,
    models: str | Models | None = None,
    flat: bool = False,
) -> Waveforms:
    """Load a circuit into this process' own session and run one analysis.

    Parameters are those of `Session.load`. There is no time limit: an impossible operating point hangs, and
    Ctrl-C acts only when ngspice returns. A `Pool` has both. Threads that call it take turns.
    """
    with one_thread:
        if not _own:
            _own.append(Session())
        session = _own[0]
        session.load(
            netlist, corner=corner, temperature=temperature, options=options, models=models, flat=flat
        )
        return session.run(analysis)
