"""The one style of static figures: canvas, colours, axes in engineering notation, legends beside the axes."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import AutoLocator, Formatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from cimspice.files import write_atomically
from cimspice.report.colours import LIMIT, PALETTE
from cimspice.report.panels import log_ends
from cimspice.report.quantity import PREFIXES, axis_label, exponent, takes_prefix

STYLE: dict[Any, Any] = {
    "figure.dpi": 150,
    "font.size": 9,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 2.6,  # a dash and a gap at least
    "legend.title_fontsize": 8,
    "text.usetex": False,  # whatever a matplotlibrc in the working directory says
    "text.parse_math": False,  # titles and values may hold a dollar sign
    "svg.fonttype": "none",  # text stays text: searchable, and small
    "svg.hashsalt": "cimspice",  # names in the SVG do not change from run to run
}
MODEL, CIRCUIT, PALE, GREY = PALETTE[0], PALETTE[1], "#a9c4e4", "0.55"
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_STEPS = {"dB": [1, 2, 4, 10], "°": [1, 1.5, 3, 4.5, 9, 10], "deg": [1, 1.5, 3, 4.5, 9, 10]}


@contextmanager
def sheet(width: float, height: float, *, grid: bool = True) -> Iterator[Canvas]:
    """A canvas (inches) in this style; what is drawn and saved inside has it."""
    with rc_context({**STYLE, "axes.grid": grid}):
        canvas = Canvas(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(canvas)
        yield canvas


def save(canvas: Canvas, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG into ``folder``, whole or not at all; gives the two paths."""
    plain_log_axes(canvas)
    png = write_atomically(folder / f"{name}.png", canvas.savefig)
    canvas.set_layout_engine("none")  # the places are found once, for both files
    # without the date the same figure gives the same file
    svg = write_atomically(folder / f"{name}.svg", lambda path: canvas.savefig(path, metadata={"Date": None}))
    return [png, svg]


def plain_log_axes(canvas: Canvas) -> None:
    """Ticks of every log axis without mathematical type, which this style leaves as it is written."""
    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log" and not isinstance(axis.get_major_formatter(), FuncFormatter):
                low, high = sorted(axis.get_view_interval())
                _log_ticks(axis, low, high, FuncFormatter(plain_number))


def plain_number(value: float, _: object = None) -> str:
    """``0.01``, ``100``, ``10⁵``, ``2·10⁻⁶``."""
    if value == 0 or 1e-3 * (1 - 1e-9) <= abs(value) < 1e4:
        return f"{value:g}".replace("-", "−")
    power = math.floor(math.log10(abs(value)) + 1e-9)
    mantissa = f"{value / 10.0**power:g}".replace("-", "−")
    return ("" if mantissa == "1" else f"{mantissa}·") + f"10{str(power).translate(_POWERS)}"


def engineering_number(value: float, _: object = None) -> str:
    """``100n``, ``1µ``, ``20k``: for an axis whose label has the unit."""
    power = 3 * math.floor(math.log10(abs(value)) / 3 + 1e-9) if value else 0
    if power not in PREFIXES:
        return plain_number(value)
    return f"{value * 10.0**-power:g}{PREFIXES[power]}".replace("-", "−")


def format_axis(axis: XAxis | YAxis, column: str, unit: str, values: Any, *, log: bool = False) -> None:
    """Name an axis after a column and set its ticks.

    A linear axis is in the unit that suits its values (µA, ns), a log axis has a prefix at each tick.
    Decibels and degrees get the steps of a Bode plot.
    """
    if log:
        low, high = log_ends(values)
        axis.axes.set(**{f"{axis.axis_name}scale": "log", f"{axis.axis_name}lim": (low, high)})
        _log_ticks(axis, low, high, FuncFormatter(engineering_number if takes_prefix(unit) else plain_number))
        axis.set_label_text(axis_label(column, unit))
        return
    power = exponent(values, unit)
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 10.0**-power:g}".replace("-", "−")))
    if unit in _STEPS:
        axis.set_major_locator(MaxNLocator(nbins=7, steps=_STEPS[unit]))
    axis.set_label_text(axis_label(column, unit, power))


def _log_ticks(axis: Axis, low: float, high: float, formatter: Formatter) -> None:
    """A tick a decade of a long axis, three a decade of a short one, even steps below a decade."""
    decades = math.log10(high / low)
    if decades < 1:
        axis.set_major_locator(AutoLocator())
    else:
        axis.set_major_locator(LogLocator(subs=(1.0,) if decades > 3 else (1.0, 2.0, 5.0), numticks=12))
    axis.set_major_formatter(formatter)
    axis.set_minor_formatter(NullFormatter())


def draw_limits(axes: Axes, ends: Sequence[tuple[float, str, int]]) -> None:
    """Limits as dashed lines with their names; those far from what is drawn are named at the edge."""
    style: dict[str, Any] = {"color": LIMIT, "fontsize": 7.5, "ha": "right", "textcoords": "offset points"}
    for value, words, where in ends:
        if where == 0:
            axes.axhline(value, color=LIMIT, linestyle="--", linewidth=1.0)
            axes.annotate(words, (1, value), (0, 2), xycoords=("axes fraction", "data"), **style)
    log = axes.get_yscale() == "log"
    near = [value for value, _, where in ends if where == 0]
    low, high = min([axes.get_ylim()[0], *near]), max([axes.get_ylim()[1], *near])
    room = (high / low) ** 0.06 if log else 0.06 * (high - low)
    axes.set_ylim(low, high * room if log else high + room)
    for edge, arrow, place, up in ((1, "↑", 1.0, -9), (-1, "↓", 0.0, 3)):
        far = ", ".join(words for _, words, where in ends if where == edge)
        if far:
            axes.annotate(f"{far} {arrow}", (1, place), (0, up), xycoords="axes fraction", **style)


def legend_beside(axes: Axes, handles: Sequence[Artist] | None = None, title: str = "") -> Legend:
    """The legend of some axes, to the right of them and never on what is drawn."""
    given = {} if handles is None else {"handles": list(handles)}
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "alignment": "left"}
    return axes.legend(**given, title=title or None, **place)


def legend_below(axes: Axes) -> Legend:
    """The legend of some axes, below the words of their abscissa, where axes stand side by side."""
    return axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), borderaxespad=0, ncols=2)


def heading(words: str) -> Line2D:
    """An entry of a legend that is the title of the entries below it."""
    return Line2D([], [], linestyle="none", label=words)


def legend_above(canvas: Canvas, handles: Sequence[Artist] | None = None, columns: int = 4) -> Legend:
    """One legend of all axes, above them in a row."""
    if handles is None:
        handles = [handle for axes in canvas.axes for handle in axes.get_legend_handles_labels()[0]]
    known = {str(handle.get_label()): handle for handle in handles}
    return canvas.legend(handles=list(known.values()), loc="outside upper center", ncols=columns)
