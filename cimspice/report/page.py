"""The report of a run: one HTML page of limits, curves, fits, distributions, failures and conditions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cimspice.campaign.limits import Yield
from cimspice.campaign.load import Failure, Record, read_run
from cimspice.files import write_atomically
from cimspice.report.adaptive_error import error_parts
from cimspice.report.page_curves import curve_charts
from cimspice.report.page_document import Html, Section, document, folded, paragraph, pill, rows, text
from cimspice.report.page_fit_charts import fit_parts
from cimspice.report.page_limits import Verdict, judge, limit_table, read_limits
from cimspice.report.page_samples import histograms, is_monte_carlo, moments_table, yield_table, yields
from cimspice.report.page_spread import spread_parts
from cimspice.report.page_study import Study
from cimspice.report.quantity import compact, cut, quantity, words

_MOST_FAILURES = 200
_MOST_VALUES = 12
_WORST = 10


@dataclass(frozen=True)
class Page:
    """A written report."""

    path: Path
    """The file."""
    size: int
    """Its bytes."""
    figures: int
    """Charts on it."""
    rows: int
    """Rows of the run's table."""
    failed: int
    """Points of the run that failed."""
    verdicts: list[Verdict]
    """On each limit."""
    yields: Yield | None
    """Of a Monte Carlo run with limits, over all of them."""
    cards: int
    """Model cards shown."""
    problems: list[str]
    """What was asked for and could not be shown."""
    origin: dict[str, Any]
    """``seed``, ``corner``, ``temperature`` (all of them) and ``provenance`` of the run."""


def write_page(run: str | Path, output: str | Path | None = None) -> Page:
    """Write the report of a run folder, by default as ``report.html`` in it.

    TableError if the run folder cannot be used; CimspiceError if Plotly is missing or the file cannot be
    written.
    """
    read = read_run(run)
    study, record = Study.of(read), read.record
    limits, problems = read_limits(record.limits)
    verdicts, unjudged = judge(study, limits)
    curves, undrawn = curve_charts(study, record.figures, limits)
    problems += [*unjudged, *undrawn]
    found = yields(study, limits)
    drawn = is_monte_carlo(study)
    fits, cards = fit_parts(study, read.folder)
    adaptive, unreadable = error_parts(record.adaptive, study)
    problems += [unreadable] if unreadable else []
    failed = len(record.failures) if record.failed is None else record.failed
    distributions = histograms(study, limits) if drawn else []
    sections = [
        Section("limits", "Limits", [limit_table(study, verdicts)] if verdicts else []),
        Section("yield", "Yield", _yield(study, found, failed)),
        Section("curves", "Curves", [*curves]),
        Section("fit", "Fits", fits),
        Section("adaptive", "Choice of points", adaptive),
        Section(
            "samples",
            "Monte Carlo",
            [*distributions, folded("Mean and spread", moments_table(study))] if drawn else [],
        ),
        Section("spread", "Corners and temperatures", spread_parts(study)),
        Section("failures", "Failures", _failures(record.failures, failed)),
        Section("problems", "Not shown", [paragraph(problem) for problem in problems]),
        Section("conditions", "Conditions", [_conditions(study, record)]),
        Section("provenance", "Provenance", [_provenance(record, study)]),
    ]
    title = record.campaign.title or record.campaign.bench or "Run"
    html = document(title, _head(study, record, verdicts, found, failed), sections)
    path = Path(output) if output is not None else read.folder / "report.html"
    content = html.encode("utf-8", errors="replace")
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return Page(
        path=path,
        size=len(content),
        figures=html.count('<div class="chart"'),
        rows=len(study.table),
        failed=failed,
        verdicts=verdicts,
        yields=found,
        cards=cards,
        problems=problems,
        origin={
            "seed": (record.campaign.monte_carlo or {}).get("seed"),
            "corner": record.campaign.corners,
            "temperature": record.campaign.temperatures,
            "provenance": {**record.provenance, **study.provenance},
        },
    )


def _head(study: Study, record: Record, verdicts: Sequence[Verdict], found: Yield | None, failed: int) -> str:
    """What a person wants to know first."""
    facts = []
    if verdicts:
        broken = sum(not verdict.holds for verdict in verdicts)
        limits = f"{len(verdicts)} limit{'s' * (len(verdicts) > 1)}"
        facts.append(pill(f"{broken} of {limits} broken", "bad") if broken else pill(f"{limits} met", "good"))
    if found:
        _, worst = found.worst
        low, high = worst.interval
        where = "" if len(found.conditions) == 1 else "least "
        facts.append(pill(f"{where}yield {worst.fraction:.1%} ({low:.1%} to {high:.1%})", "plain"))
    if failed:
        facts.append(pill(f"{failed} point{'s' * (failed > 1)} failed", "bad"))
    if record.stopped:
        facts.append(pill("stopped before the end", "bad"))
    if record.relaxed:
        facts.append(pill(f"{record.relaxed:,} with relaxed solver options", "plain"))
    rows_and_points = f"{len(study.table):,} rows"
    if record.points is not None:
        rows_and_points = f"{record.points:,} points, {rows_and_points}"
    facts.append(pill(rows_and_points, "plain"))
    if record.campaign.corners:
        facts.append(pill(cut(", ".join(record.campaign.corners)), "plain"))
    if record.campaign.temperatures:
        facts.append(
            pill(cut(", ".join(f"{value:g}" for value in record.campaign.temperatures) + " °C"), "plain")
        )
    bench = f'<p class="soft">bench {text(record.campaign.bench)}</p>' if record.campaign.bench else ""
    return f'{bench}<div class="facts">{"".join(facts)}</div>'


def _yield(study: Study, found: Yield | None, failed: int) -> list[Any]:
    if not found:
        return []
    note = "A sample passes if all that was measured on it keeps to the limits; the interval is Wilson's."
    if len(found.conditions) > 1:
        everywhere, (low, high) = found.everywhere, found.everywhere.interval
        note += (
            f" Under all {len(found.conditions)} conditions {everywhere.passed} of {everywhere.count} samples"
            f" pass: {everywhere.fraction:.1%} ({low:.1%} to {high:.1%})."
        )
    if failed:
        points = f"{failed} failed point{'s' * (failed > 1)}"
        note += f" Not counted: {points}. With them as failing, the yield is lower."
    worst = sorted(found.conditions, key=lambda entry: entry[1].fraction)[:_WORST]
    parts = [yield_table(study, worst), paragraph(note, "note")]
    if len(found.conditions) > _WORST:
        every = yield_table(study, found.conditions)
        parts.append(folded(f"The yield of all {len(found.conditions)} conditions", every))
    return parts


def _failures(failures: Sequence[Failure], failed: int) -> list[Any]:
    if not failed:
        return []
    kinds = Counter((failure.error, failure.message) for failure in failures)
    summary = rows(
        ["points", "error", "message"],
        [
            [count, error, Html(f"<pre>{text(cut(message, 2000))}</pre>")]
            for (error, message), count in kinds.most_common(20)
        ],
        numeric=(0,),
    )
    each = rows(
        ["corner", "temperature", "sample", "parameters", "error", "message"],
        [
            [
                failure.corner,
                "" if failure.temperature is None else f"{failure.temperature:g} °C",
                "" if failure.sample is None else failure.sample,
                cut(compact(failure.parameters), 300),
                failure.error,
                cut(failure.message, 300),
            ]
            for failure in failures[:_MOST_FAILURES]
        ],
    )
    points = f"{failed} point{'s' * (failed > 1)} failed"
    note = f"{points}: without rows in the table, counted nowhere else on this page."
    if len(failures) > _MOST_FAILURES:
        note += f" The first {_MOST_FAILURES} are listed; run.json has them all."
    return [paragraph(note), summary, folded("Every failed point", each)]


def _conditions(study: Study, record: Record) -> str:
    fixed = [[words(name), study.show(name, value)] for name, value in study.fixed.items()]
    varied = []
    for name in study.varied:
        values = study.table[name].drop_duplicates().tolist()
        shown = ", ".join(quantity(value, study.unit(name)) for value in values[:_MOST_VALUES])
        if len(values) > _MOST_VALUES:
            ends = [quantity(value, study.unit(name)) for value in (*values[:3], values[-1])]
            shown = f"{', '.join(ends[:3])} … {ends[3]} ({len(values)} values)"
        varied.append([words(name), shown])
    if record.campaign.monte_carlo:
        settings = record.campaign.monte_carlo.items()
        varied.append(
            ["Monte Carlo", ", ".join(f"{words(name)} {quantity(value)}" for name, value in settings)]
        )
    parts = [rows(["varied", ""], varied)] if varied else []
    parts += [rows(["fixed", ""], fixed)] if fixed else []
    return "".join(parts) or paragraph("none")


def _lines(value: object) -> str:
    """A fact as text; a table of them (the design's files) with one to a line."""
    return "\n".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _provenance(record: Record, study: Study) -> str:
    origin = {**record.provenance, **study.provenance}
    body = [
        [words(name), Html(f"<pre>{text(cut(_lines(value), 2000))}</pre>")] for name, value in origin.items()
    ]
    if record.campaign.source:
        body.append(
            ["campaign file", Html(f"<pre>{text(cut(Path(record.campaign.source).name, 500))}</pre>")]
        )
    if record.seconds is not None:
        body.append(
            ["time of the last run", f"{record.seconds:.3g} s, {record.cached or 0} points finished before"]
        )
    return rows(["", ""], body)
