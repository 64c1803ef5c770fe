"""How results show themselves in a notebook: facts, a small table and a picture, as HTML without scripts."""

from __future__ import annotations

import base64
import html
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_MOST_FACTS = 24
_MOST_ROWS = 12
_LONGEST = 80  # characters of a word from a file

Draw = Callable[[Path], Sequence[Path]]
"""Draws a figure into a folder and gives its files."""


def shown(
    title: str, facts: Mapping[str, Any], rows: Iterable[Mapping[str, Any]] = (), draw: Draw | None = None
) -> str:
    """HTML of a result: its numbers and words, of lists and nested tables those that are short; the first
    rows of a table; the first picture that ``draw`` makes.
    """
    lines = list(_facts(facts))
    entries = [dict(_facts(row)) for row in rows]
    parts = [f"<b>{_text(title)}</b>", _table(["", ""], lines[:_MOST_FACTS])]
    if len(lines) > _MOST_FACTS:
        parts.append(f"<p>{len(lines) - _MOST_FACTS} more figures</p>")
    if entries:
        columns = list(dict.fromkeys(name for entry in entries for name in entry))
        parts.append(
            _table(columns, [[entry.get(name, "") for name in columns] for entry in entries[:_MOST_ROWS]])
        )
    if len(entries) > _MOST_ROWS:
        parts.append(f"<p>{_MOST_ROWS} of {len(entries)} rows</p>")
    if draw:
        with tempfile.TemporaryDirectory() as folder:
            picture = next(path for path in draw(Path(folder)) if path.suffix == ".png").read_bytes()
        data = base64.b64encode(picture).decode()
        parts.append(
            f'<img style="max-width: 640px" alt="{_text(title)}" src="data:image/png;base64,{data}">'
        )
    return "".join(parts)


def estimates(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of a table of fitted figures, which have a value, a unit and an interval."""
    for name, known in parameters.items():
        yield {"figure": name, "value": known.value, "95 %": known.interval, "unit": known.unit}


def head(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The first rows of a table."""
    return [
        {str(name): value for name, value in row.items()} for row in table.head(_MOST_ROWS).to_dict("records")
    ]


def _facts(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        label = f"{above}{name}".replace("_", " ")
        if label.endswith("digest"):
            continue
        if isinstance(value, Mapping):
            if not above and name not in ("provenance", "files", "budget"):
                yield from _facts(value, f"{name} ")
        elif isinstance(value, list | tuple):
            if 0 < len(value) <= 6 and all(isinstance(entry, str | int | float) for entry in value):
                yield label, ", ".join(map(_word, value))
        elif value is None or isinstance(value, str | int | float):
            yield label, "–" if value is None else _word(value)


def _word(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:_LONGEST]


def _text(value: Any) -> str:
    return html.escape(str(value))


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in columns) if any(columns) else ""
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
