"""``cimspice card``: what is in a family's card, and what two of them differ in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.families import read_card
from cimspice.screen.card import conditions, origin_of, shown
from cimspice.screen.output import JsonFlag, console, print_json

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card, Part
    from cimspice.fit.records import ParameterRecord, RangeRecord

app = typer.Typer(help="Look into the card of a family of circuits.", no_args_is_help=True)

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A card: cimspice characterize FAMILY --card FILE.")
]


@app.command("show")
def show(file: File, json: JsonFlag = False) -> None:
    """What is in a card, where it comes from, how certain it is, and for what range it holds."""
    card = read_card(file)
    if json:
        print_json({**card.facts(), **origin_of(card), "files": {"card": file}})
        return
    screen = console()
    screen.print(f"{card.family}: {conditions(card)}", markup=False)
    for name, part in card.parts.items():
        screen.print(f"{name}: {part.origin}{_source(part)}", markup=False)
        _rows(
            [
                *((key, shown(record), record.reason) for key, record in part.parameters.items()),
                *((key, _range(seen), "range") for key, seen in part.range.items()),
            ]
        )


@app.command("compare")
def compare(first: File, second: File, json: JsonFlag = False) -> None:
    """The figures of two cards of one family side by side, and their difference in units of its interval."""
    cards = read_card(first), read_card(second, read_card(first).family)
    facts = differences(*cards)
    if json:
        print_json({**facts, "files": [first, second]})
        return
    screen = console()
    for card, file in zip(cards, (first, second), strict=True):
        screen.print(f"{file}: {card.family}, {conditions(card)}", markup=False)
    if facts["same"]:
        screen.print("the cards are identical")
        return
    for name, found in facts["parts"].items():
        words = [" and ".join(dict.fromkeys(map(str, found["origin"])))]
        words += [] if found["same_data"] else ["other data"]
        words += [] if found["same_source"] else ["another source"]
        screen.print(f"{name}: {', '.join(words)}", markup=False)
        parts = [card.parts.get(name) for card in cards]
        rows = []
        for key, row in found["parameters"].items():
            values = [
                shown(part.parameters[key]) if part and key in part.parameters else "-" for part in parts
            ]
            rows.append((key, *values, _distance(row)))
        for key, both in found["range"].items():
            if both[0] != both[1]:
                seen = [_range(part.range[key]) if part and key in part.range else "-" for part in parts]
                rows.append((key, *seen, "range"))
        _rows(rows)


@app.command("table")
def table(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Cards of one family.")],
    part: Annotated[str, typer.Option(help="The part whose figures are shown.")],
    json: JsonFlag = False,
) -> None:
    """The figures of one part over several cards, such as those of corners and temperatures."""
    cards = [read_card(file) for file in files]
    cards = [read_card(file, cards[0].family) for file in files]
    parts = [card.part(part) for card in cards]
    names = dict.fromkeys(name for one in parts for name in one.parameters)
    if json:
        print_json(
            {
                "family": cards[0].family,
                "part": part,
                "files": files,
                "conditions": [card.conditions.model_dump() for card in cards],
                "origin": [one.origin for one in parts],
                "parameters": {
                    name: [one.parameters[name].value if name in one.parameters else None for one in parts]
                    for name in names
                },
            }
        )
        return
    rows = [("", *map(conditions, cards))]
    for name in names:
        known = [one.parameters.get(name) for one in parts]
        rows.append((name, *(shown(each) if each else "-" for each in known)))
    console().print(f"{cards[0].family}, {part}", markup=False)
    _rows(rows)


def differences(first: Card, second: Card) -> dict[str, Any]:
    """Part by part: origins, whether data and sources are the same, ranges, and each figure's values, their
    difference, and that over its own 95 % half-width (null where one has no interval)."""
    parts = {}
    for name in dict.fromkeys([*first.parts, *second.parts]):
        both = first.parts.get(name), second.parts.get(name)
        keys = dict.fromkeys(key for part in both if part for key in part.parameters)
        ranges = dict.fromkeys(key for part in both if part for key in part.range)
        parts[name] = {
            "origin": [part.origin if part else None for part in both],
            "source": [part.source if part else None for part in both],
            "same_source": bool(both[0] and both[1] and both[0].source == both[1].source),
            "same_data": bool(both[0] and both[1] and both[0].data == both[1].data),
            "range": {
                key: [part.range[key].model_dump() if part and key in part.range else None for part in both]
                for key in ranges
            },
            "parameters": {
                key: _difference(*(part.parameters.get(key) if part else None for part in both))
                for key in keys
            },
        }
    return {
        "family": first.family,
        "same": first == second,
        "conditions": [card.conditions.model_dump() for card in (first, second)],
        "parts": parts,
    }


def _difference(first: ParameterRecord | None, second: ParameterRecord | None) -> dict[str, Any]:
    known = first or second
    found = {
        "unit": known.unit if known else "",
        "values": [record.value if record else None for record in (first, second)],
        "intervals": [record.interval if record else None for record in (first, second)],
        "difference": None,
        "in_intervals": None,
    }
    if first and second:
        found["difference"] = change = second.value - first.value
        if first.interval and second.interval:
            width = math.hypot(*(end - start for start, end in (first.interval, second.interval))) / 2
            found["in_intervals"] = change / width if width else None if change else 0.0
    return found


def _source(part: Part) -> str:
    if "file" in part.source:
        return f", {part.source['file']}, SHA-256 {str(part.source.get('sha256'))[:16]}…"
    benches = dict.fromkeys(
        str(entry["bench"])
        for entry in (part.source, *part.source.values())
        if isinstance(entry, dict) and "bench" in entry
    )
    return f", {', '.join(benches)}" if benches else ""


def _range(seen: RangeRecord) -> str:
    unit = "" if seen.unit in ("", "1") else f" {seen.unit}"
    return f"{seen.low:.4g} to {seen.high:.4g}{unit}"


def _distance(row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return ""
    if row["in_intervals"] is None:
        return "same" if not row["difference"] else f"{row['difference']:+.3g}"
    return f"{row['in_intervals']:+.2g} intervals" if row["difference"] else "same"


def _rows(rows: list[tuple[str, ...]]) -> None:
    """Rows in columns, none of them cut."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console().print("  " + "  ".join(cells).rstrip(), markup=False)
