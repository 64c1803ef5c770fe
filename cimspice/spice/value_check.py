"""Numbers and expressions of a netlist that ngspice would read as another value, without a word.

``1O`` is 1 to it, ``1e-400`` is 0, and in the expression of a behavioural source ``1/{q-p}`` is (1/q) - p:
there braces are replaced by their text.
"""

import math
import re

_SCALE = "t|g|meg|k|mil|m|u|n|p|f|a"
_UNIT = "ohms?|f|farads?|h|henry|v|volts?|a|amps?|amperes?|s|secs?|seconds?|hz|hertz|w|watts?|c|m|j|deg|%"
_NUMBER = re.compile(
    rf"([-+]?(?:\d+\.?\d*|\.\d+)(?:[ed][-+]?\d+)?)(?:{_SCALE})?(?:{_UNIT})?\Z", re.IGNORECASE
)
_NUMERIC = re.compile(r"[-+]*(\.|\d|\Z)")
_NOT_FINITE = re.compile(r"[-+]?(nan|inf|infinity)\Z", re.IGNORECASE)
_OPERATOR = re.compile(r"[*/<>?:&|!^{}'()=]|(?<=[^eE])[-+]")
_REFERENCE = re.compile(r"\b[vi]\s*\([^()]*\)|@[^\s\]]*\]", re.IGNORECASE)
_IN_EXPRESSION = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?[\w.%]*", re.IGNORECASE)
_INNER = re.compile(r"\([^()]*\)")
# Operators by how strongly they bind.
_COMPARISON, _SUM, _PRODUCT, _POWER, _NONE = range(5)
_BINDING = {
    **dict.fromkeys("<>?:&|!", _COMPARISON),
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "^": _POWER,
}


def number_defect(word: str) -> str:
    """Why ngspice would misread this word, empty if it is a number, a name or an expression."""
    if _NOT_FINITE.match(word):
        return f"{word} is not a finite number"
    if not _NUMERIC.match(word) or (_OPERATOR.search(word) and re.search(r"\w", word)):
        return ""
    found = _NUMBER.match(word)
    if not found:
        return f"{word} is not a number: ngspice would read only its beginning"
    digits = found[1].lower().replace("d", "e")
    value = abs(float(digits))
    if math.isinf(value) or (value < 1e-300 and re.search("[1-9]", digits.partition("e")[0])):
        return f"{word} is beyond what a double holds (1e-300 to 1e308): ngspice would take 0 or infinity"
    return ""


def expression_defect(text: str) -> str:
    """As `number_defect`, for the first bad number inside an expression."""
    words = _IN_EXPRESSION.findall(_REFERENCE.sub("", text))
    return next(filter(None, map(number_defect, words)), "")


def brace_defect(text: str) -> str:
    """The braces (or quotes) in a behavioural expression that would come apart, empty if there are none."""
    for found in (*re.finditer(r"\{[^{}]*\}", text), *re.finditer(r"'[^']*'", text)):
        inside = found[0][1:-1].strip().replace("**", "^")
        while _INNER.search(inside):
            inside = _INNER.sub("1", inside)
        inside = re.sub(r"(\d\.?\d*)e[-+]?\d+", r"\1", inside, flags=re.IGNORECASE)
        operators = re.findall(r"(?<=[\w.%\])}])\s*([-+*/^<>?:&|!])", inside)
        weakest = min((_BINDING[operator] for operator in operators), default=_NONE)
        before = text[: found.start()].rstrip()[-1:]
        after = text[found.end() :].lstrip().replace("**", "^")[:1]
        left, right = _BINDING.get(before, -1), _BINDING.get(after, -1)
        same_left = weakest == left and before in "-/^<>&|!"
        same_right = right == _POWER and (weakest == _POWER or inside.startswith("-"))
        if weakest < max(left, right) or same_left or same_right:
            return found[0]
    return ""


def glued(text: str) -> str:
    """Braces or quotes with more of the value right beside them, of which ngspice would drop a part."""
    for found in re.finditer(r"\{[^{}]*\}|'[^']*'", text):
        if text[found.start() - 1] not in " \t,(=" or text[found.end() : found.end() + 1].strip(" \t,)"):
            return found[0]
    return ""
