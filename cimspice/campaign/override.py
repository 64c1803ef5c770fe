"""`--set key=value`: what is said on the command line takes the place of what the campaign file says."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from cimspice.documents import parse_toml
from cimspice.errors import ParameterError

_SECTIONS = ("campaign", "parameters", "sweep", "adaptive", "monte_carlo", "failures", "keep")
_CONDITIONS = ("corners", "temperatures")  # no parameters: one of them is a sweep, too
_SWEEP_KEYS = ("corners", "temperatures", "zip")


def apply_overrides(raw: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """A copy of the file's content with every ``key=value`` applied, in order.

    The value is TOML (``0.5``, ``[1, 2]``, ``{start = 0, stop = 1, num = 5}``, ``"text"``); what is not TOML
    is taken as text. The key is ``section.name``, or a bare name: ``corners`` and ``temperatures`` are of
    the sweep, as lists or one value; any other is a parameter, swept if the value is a list or a range, else
    fixed.

    ParameterError if a text is not ``key=value``.
    """
    result = copy.deepcopy(dict(raw))
    for text in overrides:
        key, value = _parted(text)
        section, dot, name = key.partition(".")
        if not dot or section not in _SECTIONS:
            name = key
            section = "sweep" if key in _SWEEP_KEYS or isinstance(value, list | dict) else "parameters"
        if section == "sweep" and name in _CONDITIONS and not isinstance(value, list | dict):
            value = [value]
        _put(result, section, name, value)
    return result


def settings_of(overrides: Iterable[str]) -> dict[str, Any]:
    """``key=value`` texts as a mapping, values as in :func:`apply_overrides`.

    ParameterError if a text is not ``key=value``.
    """
    return dict(map(_parted, overrides))


def _parted(text: str) -> tuple[str, Any]:
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key:
        raise ParameterError(f"--set {text!r} is not key=value", remedy="for example --set width=2")
    return key, _parse(value)


def _parse(text: str) -> Any:
    try:
        return parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text


def _put(result: dict[str, Any], section: str, name: str, value: Any) -> None:
    table = result.setdefault(section, {})
    if not isinstance(table, dict):
        return  # the file's own mistake, which the check of the file reports
    table[name] = value
    other = {"parameters": "sweep", "sweep": "parameters"}.get(section)
    if other and isinstance(result.get(other), dict):
        result[other].pop(name, None)
    if section == "parameters":
        _leave_zip(result.get("sweep"), name)


def _leave_zip(sweep: Any, name: str) -> None:
    """A parameter that is now fixed no longer runs along with others."""
    if isinstance(sweep, dict) and isinstance(sweep.get("zip"), list):
        groups = [
            [n for n in group if n != name] if isinstance(group, list) else group for group in sweep["zip"]
        ]
        sweep["zip"] = [group for group in groups if not isinstance(group, list) or len(group) > 1]
