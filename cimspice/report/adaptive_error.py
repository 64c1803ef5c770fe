"""Error of an adaptive campaign's fit against simulations: as a figure of the run folder, and on its page."""

from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError

from cimspice.campaign import Figure
from cimspice.report.figure import draw
from cimspice.report.page_document import Chart, View, label, numbers, paragraph
from cimspice.report.page_study import Study
from cimspice.report.quantity import quantity, words

_KINDS = {
    "rms": "rms, held-out points",
    "largest": "largest, held-out points",
    "expected": "rms that the fit expects",
}
_COLOURS = {"rms": "#1f5fa8", "largest": "#c8553d", "expected": "#6b7683"}


class _Round(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    points: NonNegativeInt
    rms: NonNegativeFloat
    largest: NonNegativeFloat
    expected: NonNegativeFloat


class History(BaseModel):
    """The part ``adaptive`` of ``run.json``."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    column: str
    scale: str = "log"
    negligible: float = 0.0
    target: float
    reached: bool
    grid_points: NonNegativeInt
    held_out: NonNegativeInt = 0
    checked: NonNegativeInt = 0
    unseen_width: NonNegativeFloat | None = None
    history: list[_Round]

    def errors(self, kind: str) -> tuple[list[int], list[float]]:
        """Simulations and errors of one kind where it is known."""
        known = [(entry.points, getattr(entry, kind)) for entry in self.history]
        pairs = [(points, error) for points, error in known if error > 0]
        return [points for points, _ in pairs], [error for _, error in pairs]


def draw_error(described: dict[str, Any], units: dict[str, str], folder: Path) -> list[Path]:
    """PNG and SVG of the error over the number of simulations; nothing before the first fit."""
    history = History.model_validate(described)
    if not history.history:
        return []
    parts = [
        pd.DataFrame(dict(zip(("simulations", "error"), history.errors(kind), strict=True))).assign(of=words)
        for kind, words in _KINDS.items()
    ]
    ends = [history.history[0].points, history.history[-1].points]
    parts.append(pd.DataFrame({"simulations": ends, "error": history.target, "of": "target"}))
    table = pd.concat(parts, ignore_index=True)
    table.attrs["units"] = {"error": "" if history.scale == "log" else units.get(history.column, "")}
    title = f"Fit of {words(history.column)}: {ends[1]} of {history.grid_points} simulations"
    figure = Figure(x="simulations", y=("error",), by=("of",), log=("y",), title=title, name="adaptive_error")
    return draw(table, figure, folder)


def error_parts(described: Any, study: Study) -> tuple[list[str | Chart], str]:
    """The page's part on how points were chosen, and why it cannot be shown if it cannot."""
    if described is None:
        return [], ""
    try:
        history = History.model_validate(described)
    except ValidationError as error:
        first = error.errors()[0]
        return [], f"adaptive: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    unit = "" if history.scale == "log" else study.unit(history.column)
    sentences = [
        f"Points were chosen where a fit of {words(history.column)} was least certain, out of a grid of "
        f"{history.grid_points:,}. The error is that of {history.held_out} points drawn at random, which the "
        f"fit never saw{_meaning(history, study)}."
    ]
    if not history.history:
        return [paragraph(sentences[0])], ""
    last = history.history[-1]
    verdict = "reached" if history.reached else "not reached"
    sentences.append(
        f"After {last.points:,} simulations, 1 in {history.grid_points / last.points:.1f} of the grid, it "
        f"was {_shown(last.rms, unit)} rms, {_shown(last.largest, unit)} at most: the target of "
        f"{_shown(history.target, unit)} was {verdict}."
    )
    if history.checked:
        sentences.append(
            f"It was met again at {history.checked} points, the farthest from all others and at the ends of "
            "the axes."
        )
    if history.unseen_width is not None:
        sentences.append(missed(history.unseen_width))
    return [paragraph(" ".join(sentences)), _chart(history, unit)], ""


def missed(width: float) -> str:
    """What the points may have missed, as a sentence; ``width`` is a fraction of every axis's range."""
    if not width:
        return "Every point of the grid was simulated."
    return f"A feature narrower than {100 * width:.2g} % of every axis may lie between the points, unseen."


def _meaning(history: History, study: Study) -> str:
    if history.scale != "log":
        return ""
    if not history.negligible:
        return ", as a fraction of the value"
    return f", as a fraction of the value plus {quantity(history.negligible, study.unit(history.column))}"


def _shown(value: float, unit: str) -> str:
    return quantity(value, unit) if unit else f"{100 * value:.3g} %"


def _chart(history: History, unit: str) -> Chart:
    factor = 1.0 if unit else 100.0
    traces: list[dict[str, Any]] = []
    for kind, name in _KINDS.items():
        points, errors = history.errors(kind)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": numbers(points),
                "y": numbers([factor * error for error in errors]),
                "name": name,
                "line": {"color": _COLOURS[kind]},
                "hovertemplate": f"%{{x}} simulations: %{{y:.3~g}} {label(unit or '%')}<extra>{name}</extra>",
            }
        )
    ends = [history.history[0].points, history.history[-1].points]
    target = {"color": "#2a9d6f", "dash": "dash"}
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "x": numbers(ends),
            "y": numbers([factor * history.target] * 2),
            "name": "target",
            "line": target,
            "hoverinfo": "skip",
        }
    )
    title = f"Error of the fit of {words(history.column)} over simulations"
    axes = {
        "xaxis": {"title": {"text": "simulations, held-out points included"}},
        "yaxis": {"title": {"text": label(f"error ({unit or '%'})")}, "type": "log", "dtick": 1},
    }
    return Chart(title, [View(title, traces, axes)])
