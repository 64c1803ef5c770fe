"""Where output goes: results to stdout (with ``--json`` nothing but JSON), everything else to stderr."""

import dataclasses
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from cimspice import __version__

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]
"""The ``--json`` option, the same in every command."""


_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Text with its control characters written out: a stranger's words cannot steer a terminal."""
    return _INVISIBLE.sub(lambda found: ascii(found[0])[1:-1], text)


class _Console(Console):
    """Shows control characters of what is printed; those that rich itself makes are marked as such."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def console(*, stderr: bool = False) -> Console:
    """A rich console; on stdout for results that people read, on stderr for progress and messages."""
    return _Console(stderr=stderr, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """One line of progress, on stderr."""
    console(stderr=True).print(message, markup=False)


def show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning of the library as a line on stderr, in place of ``warnings.showwarning``."""
    console(stderr=True).print(f"[yellow]warning:[/] {escape(str(message))}")


def print_json(result: Any) -> None:
    """Print a result as one JSON object on stdout.

    Parameters
    ----------
    result
        Anything :func:`plain` understands. Keys are sorted; floats keep every digit; nan and infinities,
        which JSON does not have, become null. The version of cimspice is added to a result's
        ``provenance``.
    """
    if isinstance(result, Mapping) and not isinstance(result.get("error"), Mapping):
        result = {**result, "provenance": {"cimspice": __version__, **result.get("provenance", {})}}
    escaped = not (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(plain(result), indent=2, sort_keys=True, ensure_ascii=escaped, allow_nan=False)
    # what JSON itself leaves as it is and a terminal might act on, or no stream can write
    text = _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}" if found[0] != "\n" else "\n", text)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Dictionaries, lists, numbers and text for numpy values, dataclasses, pydantic models and frames."""
    if value is None or (isinstance(value, str | bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    for method, arguments in (("model_dump", ()), ("to_dict", ("records",)), ("tolist", ())):
        if hasattr(value, method):
            return plain(getattr(value, method)(*arguments))
    raise TypeError(f"a {type(value).__name__} has no JSON form")
