"""``m`` on X lines: handed on to everything inside, or refused where ngspice would get the sum wrong."""

from __future__ import annotations

import re
from functools import lru_cache

from cimspice.errors import BadParameter
from cimspice.spice.lint import logical_lines, name_value_pairs

_GIVEN = re.compile(r"^[ \t]*x[^\n]*(?:\n[ \t]*\+[^\n]*)*?\sm\s*=", re.I | re.M)
_CURRENT = re.compile(r"[fhstouw]|b.*\bi\s*=|[a-z].*\bi\s*\(", re.I)


def multiplied(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The deck's lines with ``m=1`` on every X line without ``m``, if any has one: ngspice hands ``m`` of a
    subcircuit on only to X lines inside it that have an ``m`` of their own or stand further down.
    """
    if not _GIVEN.search("\n".join(lines)):
        return lines
    found: list[str] = []
    statement: list[str] = []
    for line, following in zip(lines, (*lines[1:], ""), strict=True):
        found.append(line)
        statement.append(line)
        if following.lstrip()[:1] == "+":
            continue
        if statement[0].lstrip()[0] in "xX":
            pairs = name_value_pairs(logical_lines("\n".join(("*", *statement)))[1])[1]
            found += [] if "m" in pairs else ["+ m=1"]
        statement = []
    return tuple(found)


@lru_cache(maxsize=64)
def check_multipliers(text: str, models: str) -> None:
    """Refuse ``m`` of a subcircuit with elements that it gets wrong: ngspice multiplies neither switches nor
    the currents of B-sources, and what an element reads of another's current is already multiplied.
    """
    if not _GIVEN.search(text):
        return
    wrong: dict[str, str] = {}
    uses: list[tuple[str, str, str]] = []
    inside = [""]
    for line in logical_lines("*\n" + models + "\n" + text):
        words = line.lower().split()
        if words[0] in (".subckt", ".macro"):
            inside.append(words[1])
        elif words[0] in (".ends", ".eom"):
            inside = inside[:-1] or [""]
        elif words[0][0] == "x":
            uses.append((inside[-1], name_value_pairs(line.lower())[0][-1], line))
        elif _CURRENT.match(line):
            wrong.setdefault(inside[-1], line)
    for _ in uses:
        outer = {user: wrong[used] for user, used, _ in uses if used in wrong}
        if outer.keys() <= wrong.keys():
            break
        wrong = outer | wrong
    for _, used, line in uses:
        if used in wrong and name_value_pairs(line)[1].get("m", "1") != "1":
            raise BadParameter(
                f"m of the subcircuit would be wrong for its line {wrong[used]!r}",
                netlist_line=line,
                place="netlist",
                remedy="write the instances out, one line each",
            )
