"""Hostile documents: good ones with values replaced, moved, removed, and their text broken."""

from __future__ import annotations

import copy
import json
import math
import os
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("CIMSPICE_FUZZ_EXAMPLES", "500"))
"""Cases of each reader; more where there is time."""


def fuzz(share: float = 1.0) -> settings:
    """Settings of a fuzz test: the same cases every time, unless more are asked for."""
    return settings(
        max_examples=max(1, int(EXAMPLES * share)),
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),  # a smaller seed is not a simpler case
        derandomize="CIMSPICE_FUZZ_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )


seeds = st.integers(0, 2**64 - 1).map(Random)
"""Each case draws its changes from one number: by far quicker than drawing them one by one."""


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


WORDS = (
    "", "\x00", "\x1b[2J", "a" * 5000, "../../../../etc/passwd", "/etc/passwd", "~/.ssh/id_rsa",
    "file:///etc", "<script>alert(1)</script>", "{{ 7*7 }}", "{{ self.__init__.__globals__ }}",
    ".control\nshell id\n.endc", "*# shell id", "`id`", "$(id)", "; id", "=cmd|' /C calc'!A0", "@SUM(1)",
    "\u202e", "\ud800", "\U0001d4b3", "__class__", "__import__('os').system('id')", "os.system", "nan",
    "inf", "-1e400", "1e5", "0x10", "1_0", "%s%n", "{0.__class__}", "tt", "ss", "transistor",
    "gate_voltage", "reversal_synapse", "NeuronModel",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2, 3, 100_000_000, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64, 10**400, 0.0, -0.0, 1e-320,
    1e308, -1e308, 1e-30, 0.5, math.nan, math.inf, -math.inf,
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, False, [], {}, [[]], [None], [1, "a", None], {"a": {}}, {"": ""}, _nested(30), _nested(200),
    [0.0] * 1000, {"start": 0, "stop": 1e9, "step": 1e-9}, {"start": 0, "stop": 1, "num": 10**12},
    {"kind": [], "fields": {}, "ranges": {}}, {"kind": "x", "fields": 3, "ranges": None},
    {"array": [[1], 2]}, {"map": [[[], 1]]}, {"tuple": 5}, {"kind": {}},
)  # fmt: skip


def hostile(random: Random) -> Any:
    """A value that does not belong there."""
    return copy.deepcopy(random.choice(random.choice((WORDS, NUMBERS, OTHERS))))


def changed(document: Any, random: Random) -> Any:
    """A copy with one to four places changed."""
    whole = {"": copy.deepcopy(document)}
    for _ in range(random.randint(1, 4)):
        places = _places(whole)
        holder, key = random.choice(places)
        match random.randrange(6):
            case 0 | 1 | 2:
                holder[key] = hostile(random)
            case 3 if holder is not whole:
                del holder[key]
            case 4:
                other, name = random.choice(places)
                if other is not whole:
                    holder[key] = copy.deepcopy(other[name])
            case _:
                inner = holder[key]
                if isinstance(inner, dict):
                    inner[str(hostile(random))] = hostile(random)
                elif isinstance(inner, list):
                    inner.insert(random.randint(0, len(inner)), hostile(random))
                elif isinstance(inner, float | int):
                    holder[key] = random.choice((-inner, inner * 1000, str(inner)[:99], [inner]))
    return whole[""]


def _places(whole: dict[str, Any]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [whole]
    while waiting and len(found) < 3000:
        holder = waiting.pop()
        for key in list(holder) if isinstance(holder, dict) else range(min(len(holder), 50)):
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def broken(content: bytes, random: Random) -> bytes:
    """Bytes with a few pieces replaced, cut, doubled or put in."""
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(content))
        stop = min(len(content), start + random.choice((0, 1, 2, 8, 100)))
        piece = random.choice(
            (
                b"",
                bytes([random.randrange(256)]),
                content[start:stop] * 2,
                str(hostile(random)).encode("utf-8", "surrogatepass"),
                random.randbytes(8),
            )
        )
        content = content[:start] + piece + content[stop:]
    return content[: random.randrange(len(content) + 1)] if random.random() < 0.1 else content


def json_text(document: Any, random: Random) -> bytes:
    """A document as JSON, now and then with broken text."""
    try:
        content = json.dumps(document).encode()
    except RecursionError:  # the changes have nested what was nested
        content = b"[" * 2000
    return broken(content, random) if random.random() < 0.2 else content


def toml_text(document: Any, random: Random) -> bytes:
    """A table as TOML; what TOML does not have (null) is left out."""
    try:
        content = _toml_table(document if isinstance(document, dict) else {"x": document})
    except RecursionError:  # the changes have nested what was nested
        content = b"x = " + b"[" * 2000
    return broken(content, random) if random.random() < 0.2 else content


def _toml_table(document: dict[str, Any]) -> bytes:
    lines = [
        f"{json.dumps(str(key))} = {_toml(value)}" for key, value in document.items() if value is not None
    ]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (
            f"{json.dumps(str(key))} = {_toml(entry)}" for key, entry in value.items() if entry is not None
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(entry) for entry in value if entry is not None) + "]"
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")
