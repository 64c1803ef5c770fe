"""From what ngspice said to one typed exception with the netlist line, ngspice's own words and a remedy.

ngspice's return codes say nothing: its words and its data are judged. Every line on stderr that is not known
to be harmless is a failure; the first pattern below that matches any of the lines names its kind.
"""

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from cimspice.errors import BadParameter, MissingModel, NonConvergence, SimulationError, SingularMatrix
from cimspice.spice.analysis import Analysis, Tran
from cimspice.spice.deck import Deck
from cimspice.spice.frequency import Noise
from cimspice.spice.topology import loose_nodes, nodes

LARGEST_VOLTAGE = 1e3
"""Volts. No integrated circuit has more; a current into a floating node gives 10 kV through gmin. Nodes that
something else holds may have any number: see `cimspice.spice.topology.loose_nodes`.
"""

_HARMLESS = re.compile(
    r"Note:|Trying gmin|Supplies reduced|Using SPARSE|Using KLU|\s*$"
    r"|Warning: (?!.*(singular|resistance to low|can't|unknown|unrecognized|not found|missing|ignored"
    r"|invalid))",
    re.IGNORECASE,
)
_STEPPING = re.compile(
    r"(Trying gmin.*|)Warning: (Further gmin|Last gmin|\w+ (gmin|source) stepping)", re.IGNORECASE
)
_STDOUT_ERROR = re.compile(r"(fatal )?error\b(?!\s+[-+\d.eE]+\s*$)", re.IGNORECASE)

# ngspice then calls the end of 10 us of simulated time an operating point, even where there is none.
_PSEUDO_TRANSIENT = "Transient op finished"

_DC_PATH = "give every node a DC path to ground and break loops of voltage sources or inductors"
_CONVERGE = (
    "look at the node ngspice names; check bias and initial conditions, smooth abrupt B-sources, "
    "or relax SolverOptions (gmin, itl1, itl4, method='gear')"
)
_MODEL = (
    "check the device's name, its W and L against the bins, and that the PDK slice was made from this netlist"
)
_PARAMETER = "check the name and the value; every parameter used must be declared and finite"
_SAVE = "name nodes of the netlist, or vname#branch for the current of a voltage source"
_DEVICE = "check the path and the parameter (m.x1.m0[gm]); AC and noise analyses have no such values"
_NOISE = "give the source an AC value, as in `vin in 0 dc 1 ac 1`"

_KINDS: tuple[tuple[str, type[SimulationError], str, str], ...] = (
    (r"no data saved", BadParameter, "the circuit has none of the vectors to save", _SAVE),
    (r"ac input not found", BadParameter, "the noise source has no AC value", _NOISE),
    (r"unrecognized variable", BadParameter, "a vector @device[parameter] does not exist", _DEVICE),
    (r"find include file|can't find .*\.inc", MissingModel, "an included file is not there", _MODEL),
    (
        r"unknown subckt|cannot find subcircuit|illegal subckt call",
        MissingModel,
        "a subcircuit is missing",
        _MODEL,
    ),
    (
        r"valid modelname|can't find model|unable to find definition of model|unknown model|no such model",
        MissingModel,
        "no model fits a device",
        _MODEL,
    ),
    (
        r"undefined parameter|unknown parameter|no such parameter|parameter '.*' not found|bad parameter"
        r"|cannot compute substitute|formula\(\) error|insertnumber|expression err|syntax error"
        r"|no such device|not in (?:the )?circuit|already exists|non-existent|unrecognized|no such function"
        r"|too many parameters|mismatch of|wrong type|misplaced operator"
        r"|no such vector|no such node|resistance to low|too few parameters|missing .*value",
        BadParameter,
        "ngspice did not accept a name or a value",
        _PARAMETER,
    ),
    (r"singular", SingularMatrix, "the circuit's equations are singular", _DC_PATH),
    (
        r"timestep too small|time ?step",
        NonConvergence,
        "the transient's time step became too small",
        _CONVERGE,
    ),
    (
        r"no convergence|iteration limit|convergence problem|stepping failed|source stepping|gmin step",
        NonConvergence,
        "the operating point did not converge",
        _CONVERGE,
    ),
)


def complaints(words: Sequence[str]) -> list[str]:
    """The lines, without their stream's name, that report a failure. Empty: ngspice was content."""
    found = []
    for word in words:
        stream, _, line = word.partition(" ")
        harmless = _HARMLESS.match(line) if stream == "stderr" else not _STDOUT_ERROR.match(line)
        if not harmless and not _STEPPING.match(line):
            found.append(line)
    return found


def netlist_line(words: Sequence[str], deck: Sequence[str]) -> str:
    """The deck's line that ngspice names, empty if it names none."""
    lines = [word.partition(" ")[2] for word in words]
    for k, line in enumerate(lines[:-1]):
        if re.match(r"Error on line \d+|warning, can't find model|Warning: Model issue", line):
            return lines[k + 1].strip().removesuffix("...").strip()
    for line in lines:
        inline = re.match(r"\s*(?:Error: unknown subckt:|(?:Please check|Check) line) (.*)", line)
        if inline:
            return inline[1].strip()
        numbered = re.match(r"Netlist line no\. (\d+)", line)
        if numbered and 0 < int(numbered[1]) <= len(deck):
            return deck[int(numbered[1]) - 1]
        device = re.search(
            r"(?:singular matrix:\s+check node|no such device or model name|named|instance: x) ?\"?([\w.]+)",
            line,
        )
        if device:
            node = device[1].removesuffix("#branch").rpartition(".")[2]
            pattern = re.compile(rf"(?<![\w.]){re.escape(node)}(?![\w.])", re.IGNORECASE)
            return next((text for text in deck[1:] if pattern.search(text) and text[0] not in "*."), "")
    return ""


def _clean(words: Sequence[str]) -> str:
    """ngspice's words without the long tables of gmin and source stepping."""
    lines = [word.partition(" ")[2].strip() for word in words if word.startswith("stderr")]
    kept = [
        line
        for line in lines
        if line and not re.match(r"Trying gmin|Supplies reduced|Note: One success", line)
    ]
    return "\n".join(dict.fromkeys(kept))


def failure(words: Sequence[str], deck: Sequence[str], context: str = "") -> SimulationError:
    """The exception for what ngspice said; the deck (list of lines) gives the line in question."""
    said = _clean(words)
    for pattern, kind, message, remedy in _KINDS:
        if re.search(pattern, said, re.IGNORECASE):
            where = netlist_line(words, deck)
            return kind(message, netlist_line=where, words=said, place=context, remedy=remedy)
    return SimulationError(
        "ngspice failed",
        netlist_line=netlist_line(words, deck),
        words=said,
        place=context,
        remedy="see its words",
    )


def read_plot(analysis: Analysis, plots: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The vectors of one analysis under the names that a user knows.

    Parameters
    ----------
    analysis
        What was run.
    plots
        The plots it made: one, or several where it was run in pieces; `Noise` makes two of each, spectra and
        their integrals.
    """
    pieces = [plot for plot in plots if analysis.axis != "frequency" or "frequency" in plot]
    if len(pieces) > 1:  # a batch run makes them in another order
        pieces.sort(key=lambda piece: piece["frequency"][0].real)
    vectors = dict(pieces[0]) if pieces else {}
    for piece in pieces[1:]:  # of several frequencies, the first is the last of the piece before
        again = int(len(piece["frequency"]) > 1)
        vectors = {name: np.append(vectors[name], values[again:]) for name, values in piece.items()}
    integrals = [plot for plot in plots if analysis.axis == "frequency" and "frequency" not in plot]
    length = max(map(len, vectors.values()), default=0)
    for name in {name for plot in integrals for name in plot}:
        vectors[name] = np.full(length, math.hypot(*(plot[name][0] for plot in integrals)))
    if not analysis.asked and analysis.save and vectors.keys() >= set(analysis.save):
        vectors = {
            name: values for name, values in vectors.items() if name in (analysis.axis, *analysis.save)
        }
    for name in ("i-sweep", "temp-sweep", "res-sweep"):
        if analysis.axis == "v-sweep" and name in vectors:
            vectors["v-sweep"] = vectors.pop(name)
    if analysis.axis == "frequency" and "frequency" in vectors:
        vectors["frequency"] = np.real(vectors["frequency"])
    return vectors


def check_names(analysis: Analysis, deck: Deck) -> None:
    """Refuse noise at a node that the circuit does not have (ngspice would make one, and say 0), and a node
    that has the name of the axis (its voltage would be the axis, or the axis its voltage).
    """
    if analysis.axis in deck.axis_nodes:
        raise BadParameter(
            f"the node {analysis.axis!r} has the name of the result's axis",
            place=analysis.command,
            remedy="rename it",
        )
    if isinstance(analysis, Noise) and analysis.output.lower() not in (known := nodes(deck.lines)):
        near = get_close_matches(analysis.output.lower(), known, n=1)
        raise BadParameter(
            f"the circuit has no node {analysis.output!r}" + (f", did you mean {near[0]!r}?" if near else ""),
            place=analysis.command,
            remedy=f"its nodes: {', '.join(sorted(known)[:20])}",
        )


def judge(
    analysis: Analysis, plot: str, vectors: dict[str, np.ndarray], words: Sequence[str], deck: Sequence[str]
) -> None:
    """Raise unless the run is a success: new plot, clean stderr, the sweep's end reached, finite values.

    Parameters
    ----------
    analysis
        What was asked for.
    plot
        Name of the plot that the run made, "const" if it made none.
    vectors
        Its vectors, each of shape (points,).
    words
        All that ngspice said, each line beginning with its stream's name.
    deck
        The deck's lines, for the message.
    """
    said = complaints(words)
    if said or not plot.startswith(analysis.plot):
        raise failure(words, deck, analysis.command)
    if analysis.plot != "tran" and any(_PSEUDO_TRANSIENT in word for word in words):
        raise NonConvergence(
            "the operating point did not converge; ngspice took the end of a transient, settled or not",
            words=_clean(words),
            place=analysis.command,
            remedy=_CONVERGE + "; a .nodeset near the solution helps",
        )
    for name, values in vectors.items():
        if name[0] == "@" and len(values) == 0:
            raise BadParameter(f"the vector {name!r} does not exist", place=analysis.command, remedy=_DEVICE)
    axis = vectors.get(analysis.axis) if analysis.axis else next(iter(vectors.values()), None)
    if axis is None:
        axis = np.empty(0)
    defect = analysis.defect(axis)
    if defect:
        raise NonConvergence(
            f"the result is not complete: {defect}",
            words=_clean(words),
            place=analysis.command,
            remedy=_CONVERGE,
        )
    for name in analysis.save:
        if name not in vectors:
            known = ", ".join(sorted(vectors)[:20])
            raise BadParameter(
                f"no vector {name!r} to save",
                place=analysis.command,
                remedy=f"ngspice has kept: {known or 'nothing'}",
            )
    for name, values in vectors.items():
        if len(values) != len(axis) or not np.isfinite(values).all():
            raise NonConvergence(f"vector {name!r} has values that are not finite", place=analysis.command)
        if (
            "#" not in name
            and name[0] != "@"
            and name != analysis.axis
            and analysis.plot in ("op", "dc", "tran")
        ):
            highest = float(np.abs(values).max())
            charged = isinstance(analysis, Tran) and analysis.uic
            if highest > LARGEST_VOLTAGE and name in loose_nodes(tuple(deck), charged=charged):
                raise SingularMatrix(
                    f"node {name!r} reaches {highest:.3g} V: it floats, held by gmin alone",
                    netlist_line=netlist_line([f"stderr singular matrix:  check node {name}"], deck),
                    words=_clean(words),
                    place=analysis.command,
                    remedy=_DC_PATH,
                )
