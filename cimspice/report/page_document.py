"""The HTML document of a report: one file that needs no network, and that runs no code but its own.

Everything that comes from a run folder goes through :func:`text` (HTML), :func:`label` (text that Plotly
draws) or JSON with its angle brackets escaped. Scripts are allowed by their digest only, so even a hole in
that would run nothing.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.errors import CimspiceError

_HERE = Path(__file__).parent
_CHART, _PANEL = 430, 250  # height of a chart of one panel, and of each further one, in pixels
_DIGITS = 7  # of a number in a figure: more than a screen can show


@dataclass(frozen=True)
class View:
    """One thing a chart can show: Plotly traces and layout, under a name to choose it by."""

    name: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """A figure of the page. Several views give a menu above it, which begins with view ``start``; ``note``
    stands below; more ``panels`` make it taller.
    """

    title: str
    views: list[View]
    note: str = ""
    start: int = 0
    panels: int = 1


@dataclass
class Section:
    """A part of the page: HTML and charts in order. ``parts`` of type str are HTML already."""

    identifier: str
    title: str
    parts: list[str | Chart] = field(default_factory=list)


def text(value: object) -> str:
    """Any text as HTML text or attribute value."""
    return html.escape(str(value), quote=True)


def label(value: object) -> str:
    """Any text as Plotly shows it: Plotly reads tags, and %{...} in hover texts."""
    plain = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("%{", "%&#123;").replace("$", "&#36;")


def numbers(values: Any) -> list[float | None]:
    """Numbers for a trace, with as many digits as can be seen; null where there is none."""
    array = np.asarray(values, dtype=float)
    return [float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None for value in array.tolist()]


def paragraph(words: object, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{text(kind)}">{text(words)}</p>' if kind else f"<p>{text(words)}</p>"


def pill(words: str, kind: str) -> str:
    """A word on coloured ground; kinds are good, bad, plain."""
    return f'<span class="pill {text(kind)}">{text(words)}</span>'


@dataclass(frozen=True)
class Html:
    """Text that is HTML already: a cell that :func:`rows` leaves as it is."""

    code: str


def rows(heads: Sequence[str], cells: Iterable[Sequence[object]], *, numeric: Iterable[int] = ()) -> str:
    """A table; ``numeric`` columns are set right. Cells are escaped unless they are :class:`Html`."""
    right = set(numeric)

    def cell(tag: str, position: int, value: object) -> str:
        kind = ' class="number"' if position in right else ""
        content = value.code if isinstance(value, Html) else text(value)
        return f"<{tag}{kind}>{content}</{tag}>"

    top = "".join(cell("th", position, head) for position, head in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(cell("td", position, value) for position, value in enumerate(row)) + "</tr>"
        for row in cells
    )
    head = f"<thead><tr>{top}</tr></thead>" if any(heads) else ""
    return f'<div class="scroll" tabindex="0"><table>{head}<tbody>{body}</tbody></table></div>'


def folded(summary: str, content: str) -> str:
    """HTML that shows when its heading is pressed."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"


def document(title: str, head: str, sections: Sequence[Section]) -> str:
    """The whole page.

    CimspiceError if Plotly is not installed.

    Parameters
    ----------
    title
        Plain text.
    head
        HTML below the title.
    sections
        Those without parts are left out.
    """
    sections = [section for section in sections if section.parts]
    charts: list[Chart] = []
    body = "".join(_section(section, charts) for section in sections)
    links = "".join(
        f'<a href="#{text(section.identifier)}">{text(section.title)}</a>' for section in sections
    )
    scripts = [plotly_script()] if charts else []
    scripts.append((_HERE / "page.js").read_text(encoding="utf-8"))
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src " + " ".join(map(_digest, scripts)),
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    data = _json(
        [
            [{"name": label(v.name), "data": v.data, "layout": v.layout} for v in chart.views]
            for chart in charts
        ]
    )
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            f"<title>{text(title)}</title>",
            f"<style>{(_HERE / 'page.css').read_text(encoding='utf-8')}</style></head>",
            f"<body><header><h1>{text(title)}</h1>{head}</header><nav>{links}</nav><main>{body}</main>",
            f'<script type="application/json" id="charts">{data}</script>',
            *(f"<script>{script}</script>" for script in scripts),
            "</body></html>\n",
        )
    )


def _section(section: Section, charts: list[Chart]) -> str:
    parts = []
    for part in section.parts:
        if isinstance(part, str):
            parts.append(part)
            continue
        number = len(charts)
        charts.append(part)
        menu = ""
        if len(part.views) > 1:
            options = "".join(
                f'<option value="{i}"{" selected" * (i == part.start)}>{text(v.name)}</option>'
                for i, v in enumerate(part.views)
            )
            menu = f'<select data-chart="{number}" aria-label="{text(part.title)}">{options}</select>'
        note = paragraph(part.note, "note") if part.note else ""
        tall = f' style="height:{_CHART + _PANEL * (part.panels - 1)}px"' if part.panels > 1 else ""
        parts.append(
            f"<figure><figcaption>{text(part.title)}{menu}</figcaption>"
            f'<div class="chart" id="chart-{number}"{tall}></div>{note}</figure>'
        )
    return (
        f'<section id="{text(section.identifier)}"><h2>{text(section.title)}</h2>{"".join(parts)}</section>'
    )


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return (
        json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
    )


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def plotly_script() -> str:
    """Plotly's JavaScript, as its Python package brings it. CimspiceError if the package is not installed."""
    if find_spec("plotly") is None:
        raise CimspiceError(
            "the report's figures need Plotly, which is not installed",
            remedy="pip install plotly",
        )
    from plotly.offline import get_plotlyjs

    # As a browser reads it, or the digest would not be that of what is run.
    return get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n").replace("</script", "<\\/script")
