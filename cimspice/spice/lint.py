"""What ngspice would silently misread, or execute, is refused before it sees it.

Each refusal here answers a case in which ngspice returns success: an unknown parameter on an X line,
``1.8x5`` read as 1.8, R = 0 taken as 1 milliohm, a value that is not finite, a ``.control`` block whose
``shell`` it would run.
"""

import re
from functools import lru_cache

from cimspice.errors import BadParameter, MissingModel, SimulationError
from cimspice.spice.value_check import brace_defect, expression_defect, glued, number_defect

_CARDS = {
    *(
        ".param",
        ".params",
        ".subckt",
        ".ends",
        ".macro",
        ".eom",
        ".model",
        ".ic",
        ".nodeset",
        ".global",
        ".func",
    ),
    *(".if", ".elseif", ".else", ".endif"),
}
_ELSEWHERE = {
    **dict.fromkeys((".include", ".inc", ".lib", ".endl", ".incbin"), "give the models' text as `models=`"),
    **dict.fromkeys((".options", ".option", ".opt"), "give SolverOptions"),
    **dict.fromkeys((".temp", ".tnom"), "give `temperature=` in degrees Celsius"),
    **dict.fromkeys(
        (".op", ".dc", ".tran", ".ac", ".noise", ".tf", ".sens", ".pz", ".four"), "give an Analysis"
    ),
    **dict.fromkeys(
        (".save", ".print", ".plot", ".probe", ".width"), "name vectors in the Analysis's `save`"
    ),
    **dict.fromkeys((".meas", ".measure"), "measure on the Waveforms"),
    ".end": "leave it out; it is added",
}
_INCLUDES = {".include", ".inc", ".lib", ".incbin"}
_VALUE = re.compile(r"[-+]?\.?\d|[{']")
_ZERO = re.compile(r"[-+]?(0+\.?0*|\.0+)(e[-+]?\d+)?[a-z]*\Z", re.IGNORECASE)
_LISTED_RESISTANCE = re.compile(r"(?:(?:r|resistance)\s*=\s*|[a-z_]\w*\s+)?(\S+)", re.IGNORECASE)
_BARE_VALUE = re.compile(
    r"^([ \t]*[rcl]\S*[ \t]+\S+[ \t]+\S+[ \t]+)([a-z_]\w*)(?=[ \t]|$)(?![ \t]*=)", re.I | re.M
)
_TWO_COEFFICIENTS = re.compile(
    r"^([ \t]*[rcl][^\n]*?\stc\s*=\s*)\(?([^\s,()=]+)[ \t]*[, \t][ \t]*([^\s,()=]+)\)?", re.I | re.M
)
_ATTO = re.compile(r"^([ \t]*[rcl]\S*[ \t]+\S+[ \t]+\S+[ \t]+[\d.]+)a[a-z]*(?=[ \t]|$)", re.I | re.M)
_VERSION = re.compile(r"\bversion\s*=\s*\S+", re.IGNORECASE)  # 4.8.2, say
_LATE_VALUE = re.compile(r"=\s*(?:\{[^{}]*\}|'[^']*'|[-+.\w]+)\s+([-+]?\.?\d\S*|\{[^{}]*\})")
_DECIMAL_COMMA = re.compile(r"\d,\d")
_PROGRAMS = re.compile(r"[`\x00-\x08\x0e-\x1f]|\b(?:\w*file|codemodel)\s*=", re.IGNORECASE)
_BRACKETED = re.compile(r"\([^()]*\)|\{[^{}]*\}|'[^']*'")
_TOKEN = re.compile(r"\{[^{}]*\}|'[^']*'|\"[^\"]*\"|[^\s,=()]+|=")
# How many words after the element's name are nodes (or names), before its values begin.
_NODES = {
    "r": 2,
    "c": 2,
    "l": 2,
    "v": 2,
    "i": 2,
    "d": 3,
    "e": 4,
    "g": 4,
    "f": 3,
    "h": 3,
    "m": 5,
    "k": 2,
    "b": 2,
}
# Other names of the value that stands after the nodes.
_OWN_VALUE = {"r": ("r", "resistance"), "c": ("c", "capacitance"), "l": ("l", "inductance")}
# Where an expression follows, ngspice keeps it as text: see `brace_defect`.
_EXPRESSION = re.compile(
    r"\b(v|i|value|vol|cur|r|c|l|q|poly|table)\s*=\s*[^\s]*[-+*/(?]|\bpoly\b|\btable\b", re.I
)


_BEHAVIOURAL = re.compile(rf"{_EXPRESSION.pattern}|\b[vi]\s*\(", re.IGNORECASE)


def logical_lines(text: str) -> list[str]:
    """Lines with continuations (``+``) joined, comments and outer blanks dropped; the title stays first."""
    joined: list[str] = []
    for k, raw in enumerate(text.splitlines()):
        line = raw.strip()
        if k and (not line or (line.startswith("*") and not line.startswith("*#"))):
            continue
        if k:
            line = re.split(r";|//|\s\$\s", line, maxsplit=1)[0].rstrip()
        if line.startswith("+") and len(joined) > 1:
            joined[-1] += " " + line[1:]
        elif line:
            joined.append(line)
    return joined


def name_value_pairs(line: str) -> tuple[list[str], dict[str, str]]:
    """The plain words of a line, and its name=value pairs (names lower case)."""
    tokens = _TOKEN.findall(line)
    first = tokens.index("=") - 1 if "=" in tokens else len(tokens)
    pairs = {tokens[k - 1].lower(): tokens[k + 1] for k in range(1, len(tokens) - 1) if tokens[k] == "="}
    plain = [word for word in tokens[:first] if word.lower() not in ("params:", "param:")]
    return plain, pairs


@lru_cache(maxsize=64)
def subcircuit_parameters(text: str) -> dict[str, frozenset[str]]:
    """Parameters that each subcircuit defined in the text accepts, by the subcircuit's name (lower case).

    Those on its ``.subckt`` line, and those given by ``.param`` lines inside it, which an X line overrides
    in the HSPICE dialect that SKY130 uses.
    """
    found: dict[str, frozenset[str]] = {}
    inside: list[str] = []
    for line in logical_lines("*\n" + text):
        card = line[:7].lower().rstrip()
        if card.startswith((".subckt", ".macro")):
            plain, pairs = name_value_pairs(line)
            inside.append(plain[1].lower() if len(plain) > 1 else "")
            found[inside[-1]] = frozenset(pairs) | {"m"}
        elif card.startswith((".ends", ".eom")):
            inside[-1:] = []
        elif card.startswith(".param") and inside:
            found[inside[-1]] |= frozenset(name_value_pairs(line)[1])
    return found


@lru_cache(maxsize=64)
def top_parameters(text: str) -> frozenset[str]:
    """Names of parameters given plainly (not through a random function) outside subcircuits, lower case."""
    names, depth = set(), 0
    for line in logical_lines("*\n" + text):
        card = line.split(maxsplit=1)[0].lower()
        depth += (card in (".subckt", ".macro")) - (card in (".ends", ".eom"))
        if card in (".param", ".params") and depth == 0:
            pairs = name_value_pairs(line)[1]
            names |= {
                n for n, v in pairs.items() if not re.search(r"gauss|unif|limit", v + line, re.IGNORECASE)
            }
    return frozenset(names)


def _refuse(line: str, what: str, remedy: str, kind: type[SimulationError] = BadParameter) -> SimulationError:
    return kind(what, netlist_line=line, place="netlist", remedy=remedy)


def _check_card(line: str) -> None:
    card = line.split(maxsplit=1)[0].lower()
    if card in _CARDS:
        if card == ".func":
            _check_expression(line, line.partition(")")[2])
        elif not card.startswith((".if", ".else")):
            written = _VERSION.sub("", line)
            for value in (*name_value_pairs(written)[1].values(), f"{{{written.partition('=')[2]}}}"):
                _check_value(line, value)
            late = _LATE_VALUE.search(written) if card in (".model", ".subckt", ".macro") else None
            if late:
                raise _refuse(line, f"{late[1]} follows a value and belongs to no parameter", "remove it")
        return
    kind = MissingModel if card in _INCLUDES else BadParameter
    raise _refuse(line, f"{card} does not belong in a netlist", _ELSEWHERE.get(card, "remove it"), kind)


def _check_value(line: str, word: str) -> None:
    defect = number_defect(word) or expression_defect(word)
    if defect:
        raise _refuse(line, defect, "write it out: digits, an exponent, a scale suffix that SPICE knows")


def _check_expression(line: str, text: str) -> None:
    """The expression of a behavioural source: numbers in it, and braces that would come apart."""
    _check_value(line, "{" + text + "}")
    if group := brace_defect(text):
        what = f"ngspice would put the text of {group} in its place without brackets"
        raise _refuse(line, what, f"write ({group})")


def _check_instance(line: str, known: dict[str, frozenset[str]]) -> None:
    plain, pairs = name_value_pairs(line)
    if len(plain) < 2:
        raise _refuse(line, "the instance names no subcircuit", "give its nodes, then the subcircuit's name")
    name = plain[-1].lower()
    if name not in known:
        remedy = "define it in the netlist, or use a device that the PDK has"
        raise _refuse(line, f"subcircuit {plain[-1]!r} is not defined", remedy, MissingModel)
    # Schematic editors write mf= beside m= on capacitors: nothing is lost where it is 1 or says the same.
    same = {"mf"} if pairs.get("mf") in ("1", pairs.get("m")) else set()
    unknown = sorted(set(pairs) - known[name] - same)
    if unknown:
        accepted = ", ".join(sorted(known[name]))
        raise _refuse(
            line,
            f"{plain[-1]} has no parameter {unknown[0]!r}; ngspice would ignore it",
            f"it has: {accepted}",
        )


def _check_element(line: str, known: dict[str, frozenset[str]]) -> None:
    tokens = _TOKEN.findall(line)
    if not tokens:
        raise _refuse(line, "the line holds no element", "remove it")
    letter = tokens[0][0].lower()
    if letter == "x":
        _check_instance(line, known)
    behavioural = letter in "begrcl" and _BEHAVIOURAL.search(line)
    if letter == "b" or behavioural:
        _check_expression(line, line.partition("=")[2])
    elif part := glued(line):
        raise _refuse(line, f"ngspice would drop a part of the value at {part}", "put all of it in one {...}")
    for k, token in enumerate(tokens[:-1]):
        if token == "=":
            _check_value(line, tokens[k + 1])
            late = tokens[k + 2] if k + 2 < len(tokens) else ""
            if letter in "rclx" and _VALUE.match(late) and tokens[k - 1].lower() not in ("tc", "ic"):
                raise _refuse(line, f"{late} follows a value and belongs to no parameter", "remove it")
    if letter in "rclvimx" and _DECIMAL_COMMA.search(_BRACKETED.sub("", _TWO_COEFFICIENTS.sub(r"\1", line))):
        raise _refuse(line, "a comma inside a number: ngspice would split it in two", "write a decimal point")
    if letter not in _NODES or letter == "b" or _EXPRESSION.search(line):
        return
    values = tokens[1 + _NODES[letter] :]
    if letter in "rcl" and not values:
        raise _refuse(line, "the element has no value", "give node, node and value")
    for word in values:
        _check_value(line, word)
    pairs = name_value_pairs(line)[1]
    own = [pairs[name] for name in _OWN_VALUE.get(letter, ()) if name in pairs]
    _check_single(line, letter, values[: values.index("=") - 1] if "=" in values else values, own)
    if letter == "r":
        value = own[0] if own else values[0]
        if _ZERO.match(value):
            remedy = "join the nodes, use a 0 V source, or give a small positive resistance"
            raise _refuse(line, "a resistor of 0 ohm: ngspice would take 1 milliohm", remedy)


def _check_single(line: str, letter: str, plain: list[str], own: list[str]) -> None:
    """Refuse a second value, which ngspice would take in place of the first, add to it, or drop."""
    if letter in "vi":
        after_waveform = re.search(r"\)\s*[-+.\d]", re.sub(r"\{[^{}]*\}|'[^']*'", "0", line))
        twice = plain and _VALUE.match(plain[0]) and "dc" in map(str.lower, plain)
        if after_waveform or twice:
            remedy = "give the DC value once, before AC and the waveform"
            raise _refuse(line, "the source has a value too many", remedy)
    elif letter in "rclegfh" and len(found := [*filter(_VALUE.match, plain), *own]) > 1:
        raise _refuse(line, f"the element has {len(found)} values: {', '.join(found)}", "give one")


@lru_cache(maxsize=64)
def check_netlist(text: str, models: str) -> None:
    """Refuse what ngspice would misread or execute; ``models`` is the text with the PDK's subcircuits."""
    known = {**subcircuit_parameters(models), **subcircuit_parameters(text)}
    for line in logical_lines(text)[1:]:
        if line.startswith("*#"):
            raise _refuse(line, "'*#' lines are commands that ngspice would execute", "remove it")
        if not line.isascii():
            raise _refuse(line, "the netlist is not plain ASCII", "use ASCII names and values")
        if line.startswith("."):
            _check_card(line)
        else:
            _check_element(line, known)
    if text[:2] == "*#":
        raise _refuse(
            text.partition("\n")[0], "'*#' lines are commands that ngspice would execute", "remove it"
        )


@lru_cache(maxsize=64)
def check_models(text: str) -> None:
    """Refuse device models that could run a command or read a file: a PDK may come from anywhere."""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("*"):  # not handed over
            continue
        card = stripped.split(maxsplit=1)[0].lower()
        if card.startswith(".") and card not in _CARDS and card not in (".option", ".options"):
            raise _refuse(stripped[:200], f"{card} does not belong in device models", "use another PDK")
        if card[0] == "a" or _PROGRAMS.search(stripped) or not stripped.isascii():
            raise _refuse(stripped[:200], "this does not belong in device models", "use another PDK")


def computed_resistors(text: str) -> bool:
    """True if a resistor's value is a parameter or an expression: only ngspice knows whether it is 0."""
    resistors = (line for line in logical_lines(text)[1:] if line[0] in "rR")
    return any(not re.match(r"\S+\s+\S+\s+\S+\s+([rR]\s*=\s*)?[-+]?\.?\d", line) for line in resistors)


@lru_cache(maxsize=64)
def as_ngspice_reads(circuit: str, models: str) -> str:
    """The circuit with ``r1 a b load`` as ``r1 a b {load}`` where ``load`` is no model (ngspice looks for a
    model of that name first, and complains that it finds none), and ``tc=1e-3,2e-6`` or ``tc=(1e-3,2e-6)`` as
    ``tc=1e-3 2e-6``, ``10aF`` (a model's name to ngspice) as ``10e-18``.
    """
    known = {
        found.lower() for found in re.findall(r"^\s*\.model\s+(\S+)", circuit + "\n" + models, re.I | re.M)
    }

    def braced(found: re.Match[str]) -> str:
        return found[0] if found[2].lower() in known else f"{found[1]}{{{found[2]}}}"

    circuit = _TWO_COEFFICIENTS.sub(r"\1\2 \3", _BARE_VALUE.sub(braced, circuit))
    return _ATTO.sub(r"\1e-18", circuit)


@lru_cache(maxsize=64)
def models_age(text: str) -> bool:
    """True if a device model may change with every run of a loaded circuit.

    ngspice computes a model's temperature dependence anew at each run. In BSIM3 (8 and 49, SKY130's SRAM
    transistors) each time scales the junction capacitances of the time before: the waveforms of a 6T cell
    drift by 0.02 mV a run at 27 degrees Celsius and 0.4 mV at 85, and after some hundred runs nothing
    converges. BSIM4 (14 and 54) gives the same bits again, and so does level 1; others are not trusted.
    """
    for line in logical_lines("*\n" + text):
        if line[:6].lower() == ".model":
            kind = re.split(r"[\s(]+", line, maxsplit=3)[2].lower()
            level = re.search(r"\blevel\s*=\s*(\d+)", line, re.IGNORECASE)
            steady = kind in ("r", "c", "l", "sw", "csw") or (level and int(level[1]) in (1, 14, 54))
            if not steady:
                return True
    return False


def check_listed_resistors(listing: list[str]) -> None:
    """Refuse a resistor that ngspice's expanded listing shows to be computed to 0 ohm."""
    for line in listing:
        words = line.split()
        if len(words) > 6 and words[3][0] in "rR":
            value = _LISTED_RESISTANCE.match(" ".join(words[6:]))
            if value and _ZERO.match(value[1]):
                what = "a resistor is computed to be 0 ohm: ngspice would take 1 milliohm"
                remedy = "keep the parameters of its value so that it is positive"
                raise _refuse(" ".join(words[3:]), what, remedy)
