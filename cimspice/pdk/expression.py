"""Parameter expressions of the PDK's files: numbers, names, random terms, value.

The files are written for ngspice's parameter evaluator. Its arithmetic is plain double precision, left to
right with the usual precedence, as Python's is; numbers are rounded correctly and may carry a scale suffix.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from cimspice.errors import PdkError

_SCALES = {
    "t": 1e12,
    "g": 1e9,
    "meg": 1e6,
    "k": 1e3,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
    "a": 1e-18,
}
_NUMBER = re.compile(r"(?<![\w.])((?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)(meg|[tgkmunpfa])?(?!\w)", re.I)
_PLAIN_NUMBER = re.compile(rf"([+-]?)\s*{_NUMBER.pattern}\Z", re.I)
_NAME = re.compile(r"(?<![\w.])[a-z_]\w*", re.I)
_CALL = re.compile(r"[a-z_]\w*\s*\(\s*\Z", re.I)
_BINARY: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "ln": math.log,
    "abs": abs,
    "min": min,
    "max": max,
    "pow": math.pow,
    "floor": math.floor,
}


def number(text: str) -> float | None:
    """Value of a SPICE number such as ``0.25``, ``1e-6`` or ``10u``; None if the text is an expression."""
    found = _PLAIN_NUMBER.match(bare(text))
    if not found:
        return None
    value = float(found[2]) * _SCALES.get((found[3] or "").lower(), 1.0)
    return -value if found[1] == "-" else value


def bare(text: str) -> str:
    """The expression inside one pair of braces or quotes, if that is all there is."""
    text = text.strip()
    while (
        len(text) > 1 and text[0] + text[-1] in ("{}", "''", '""') and not re.search(r"[{}'\"]", text[1:-1])
    ):
        text = text[1:-1].strip()
    return text


def parenthesised(text: str) -> str:
    """Braces and quotes as parentheses, so that the text can stand inside a larger expression."""
    inner = bare(text)
    inner = re.sub(r"'([^']*)'", r"(\1)", inner)
    return inner.replace("{", "(").replace("}", ")")


def names(text: str) -> set[str]:
    """Lower-case names that occur in an expression (functions included)."""
    return {found[0].lower() for found in _NAME.finditer(text)}


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Replace names by texts; a text that is not a plain number is put in parentheses."""

    def replaced(found: re.Match) -> str:
        value = values.get(found[0].lower())
        if value is None:
            return found[0]
        value = parenthesised(value)
        return value if re.fullmatch(r"[\d.]+(e[+-]?\d+)?", value, re.I) else f"({value})"

    return _NAME.sub(replaced, text)


def without_random_terms(text: str) -> str:
    """Drop every additive term that draws a random number.

    Such terms are multiplied by a switch that is zero in all nominal corners, so values do not change by a
    bit; but parameters defined through them cannot be altered in a loaded circuit.
    """
    while found := re.search(r"\ba?gauss\s*\(", text, re.I):
        start, end = _term(text, found.start())
        while (call := _CALL.search(text[:start])) and text[end:].lstrip().startswith(")"):
            start, end = _term(text, call.start())  # the whole argument of a function: the call goes, too
        before, after = text[:start].rstrip(), text[end:]
        if before.endswith(("+", "-")):
            text = before[:-1].rstrip() + after
        elif after.lstrip().startswith("+"):
            text = before + after.lstrip()[1:]
        else:
            text = before + "0" + after
    return text


def evaluate(text: str, lookup: Callable[[str], float]) -> float:
    """Value of an expression.

    PdkError if the text is no arithmetic expression or a function is not known.

    Parameters
    ----------
    text
        Expression, with or without braces.
    lookup
        Called with a lower-case name; returns its value.
    """
    source = parenthesised(text).replace("^", "**").lower()
    source = _NUMBER.sub(lambda found: repr(float(found[1]) * _SCALES.get(found[2] or "", 1.0)), source)
    try:
        return float(_value(ast.parse(source, mode="eval").body, lookup))
    except (
        SyntaxError,
        ArithmeticError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
        MemoryError,
    ) as error:
        raise PdkError(f"the expression {text.strip()[:200]!r} cannot be evaluated: {error}") from error


def _value(node: ast.expr, lookup: Callable[[str], float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as constant):
            return float(constant)
        case ast.Name(id=name):
            return lookup(name)
        case ast.BinOp(left=left, op=operation, right=right):
            return _BINARY[type(operation)](_value(left, lookup), _value(right, lookup))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, lookup)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, lookup)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _FUNCTIONS[name](*(_value(argument, lookup) for argument in arguments))
    raise ValueError(f"unsupported {type(node).__name__}")


def _term(text: str, position: int) -> tuple[int, int]:
    """Range of the additive term around a position."""
    return _term_start(text, position), _term_end(text, position)


def _term_start(text: str, position: int) -> int:
    """Start of the additive term around a position, just after the sign or bracket that opens it."""
    depth = 0
    for index in range(position - 1, -1, -1):
        character = text[index]
        if character in ")}":
            depth += 1
        elif character in "({'\"":
            if depth == 0:
                return index + 1
            depth -= 1
        elif depth == 0 and character in "+-" and not _is_exponent_sign(text, index):
            return index + 1
    return 0


def _term_end(text: str, position: int) -> int:
    depth = 0
    for index in range(position, len(text)):
        character = text[index]
        if character in "({":
            depth += 1
        elif character in ")}":
            if depth == 0:
                return index
            depth -= 1
        elif depth == 0 and (
            character in "'\"" or (character in "+-" and not _is_exponent_sign(text, index))
        ):
            return index
    return len(text)


def _is_exponent_sign(text: str, index: int) -> bool:
    return bool(re.search(r"(?<![\w.])[\d.]+e\Z", text[:index], re.I))
