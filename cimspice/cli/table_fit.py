"""What ``cimspice fit`` does to any table: read it, fit a model that was named, keep card and figure."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cimspice.campaign.load import check_file, read_run, read_table
from cimspice.errors import ParameterError
from cimspice.files import write_atomically
from cimspice.fit.table_fit import FitOptions, TableFit, fit_measured
from cimspice.screen.output import console, print_json


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """``["a=b"]`` as a mapping. ParameterError if a text is not key=value, or a key stands twice."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not (key and equals and value) or key in found:
            raise ParameterError(
                f"{text!r} is not {'given once' if key in found else 'key=value'}",
                place=option,
                remedy=f"write {option} key=value, each key once",
            )
        found[key] = value
    return found


def fit_source(source: Path, model: str, given: FitOptions) -> TableFit:
    """Fit a run folder, its ``table.parquet`` or a CSV file.

    TableError, ParameterError or FitError with file, row or column, value and remedy.
    """
    if not source.is_dir() and source.suffix != ".parquet":
        check_file(source)
        return fit_measured(source, model, given)
    if given.units:
        raise ParameterError("a run's table is in SI units already", place="--unit", remedy="leave it out")
    table = read_run(source).table if source.is_dir() else read_table(source)
    return fit_measured(source, model, given, table)


def write(result: TableFit, card: Path) -> dict[str, Path]:
    """The model card, and a figure of table, model and residuals beside it."""
    from cimspice.report.named_fit_figure import draw_named_fit

    result.card.save(card)
    files = {"card": card}
    files["png"] = write_atomically(
        card.with_suffix(".png"), lambda path: draw_named_fit(result.card, result.table, result.fit, path)
    )
    return files


def show(result: TableFit, files: Mapping[str, Path], *, as_json: bool) -> None:
    """Parameters with intervals, residual and ranges; or all of it as JSON."""
    fit = result.fit
    if as_json:
        print_json(
            {
                "model": result.recipe.kind,
                "rows": len(result.table),
                "parameters": {name: estimate.as_dict() for name, estimate in fit.figures().items()},
                "identifiable": fit.identifiable,
                "noise": result.card.provenance.get("noise"),
                "residual": vars(fit.residual),
                "ranges": {name: vars(seen) for name, seen in fit.model.ranges.items()},
                "seed": None,
                "corner": result.card.provenance.get("corner"),
                "temperature": result.card.provenance.get("temperature"),
                "provenance": result.card.provenance,
                "files": dict(files),
            }
        )
        return
    screen = console()
    screen.print(f"{result.recipe.kind}: {result.recipe.title}", markup=False)
    for name, estimate in fit.figures().items():
        screen.print(f"  {name} = {estimate}", markup=False)
    left = fit.residual
    screen.print(
        f"residual: rms {left.rms:.4g} {left.unit}, largest {left.maximum:.4g}; {left.percent:.3g} % of the "
        f"{left.full_scale}; {left.observations} observations",
        markup=False,
    )
    for sentence in _remarks(result.card.provenance):
        screen.print(sentence, markup=False)
    seen = "; ".join(f"{name} {known}" for name, known in fit.model.ranges.items())
    screen.print(f"fitted on: {seen}", markup=False)
    for path in files.values():
        screen.print(f"  {path}", markup=False)


def _remarks(origin: Mapping[str, Any]) -> Iterator[str]:
    """What was done with the rows, where anything was."""
    if lost := origin.get("overflow_rows"):
        shown = ", ".join(map(str, lost[:10])) + (" ..." if len(lost) > 10 else "")
        yield f"left out: {len(lost)} rows with an overflow of the instrument (9.91E+37): row {shown}"
    if found := origin.get("polarity_from"):
        yield f"polarity {origin['polarity']}: by {found}"
    if "current_sign" in origin:
        yield "the currents are negative: their magnitudes were fitted"
    if outside := origin.get("rows_outside_window"):
        yield f"left out: {outside} rows outside the window of membrane voltages"
    if weighting := origin.get("weighting"):
        yield f"noise: {weighting}"
    if found := origin.get("noise"):
        low, high = found["interval"]
        relative = "" if found["relative"] is None else f", {100 * found['relative']:.3g} % of the value"
        yield (
            f"repeats of {found['points']} points: standard deviation of {found['column']} "
            f"{found['standard_deviation']:.4g} [{low:.4g}, {high:.4g}] {found['unit']}{relative}"
        )
    if "samples" in origin:
        yield f"each row is the mean of {origin['samples']} samples"
