"""The last gate before ngspice: text that could run a command, read a file or hide a line is refused.

ngspice executes ``.control`` blocks and comment lines that begin with ``*#``, reads ``.include``, ``.lib``
and XSPICE files from anywhere, and takes what follows ``$`` for a comment. So the gate lists what may stand
in a netlist, not what may not.
"""

import re

from cimspice.errors import TemplateError

DOT_WORDS = frozenset({
    ".param", ".subckt", ".ends", ".model", ".func", ".global", ".ic", ".nodeset",
    ".if", ".elseif", ".else", ".endif",
})  # fmt: skip
"""The dot-lines a netlist may hold. Analyses, options, temperature and libraries are the simulator's."""

ELEMENTS = frozenset("bcdefghijklmnoqrstvwxz")
"""First letters of elements a netlist may hold: SPICE's, not XSPICE's ``a`` (reads files, runs programs)."""

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\t]")
_FORBIDDEN = re.compile(r"[^\x20-\x7e\t]|[`$\"\\]")
_FIRST_WORD = re.compile(r"\.\w*|\S+")
_FILE = re.compile(r"\b(?:file|input_file|process_file|tablefile|codemodel|shell)\b|^source\b", re.IGNORECASE)
_COMMAND_COMMENTS = ("*#", "*ng_script", "*ngspice")
_OWN_MODELS = (
    "leave it out: device models are added for the devices that the netlist uses; "
    "for model files of your own, name their folder with --include-root"
)
_REMEDIES = {
    **dict.fromkeys((".include", ".inc", ".lib"), _OWN_MODELS),
    ".control": "leave it out: analyses are given in Python (Op, Dc, Tran, Ac, Noise)",
    ".end": "leave it out: it is added when the netlist is simulated",
    ".temp": "leave it out: give temperature= when simulating",
    ".options": "leave it out: give options=SolverOptions(...) when simulating",
    ".option": "leave it out: give options=SolverOptions(...) when simulating",
}
_ANALYSES = frozenset({
    ".op", ".dc", ".tran", ".ac", ".noise", ".tf", ".pz", ".sens", ".disto", ".sp", ".four", ".meas",
    ".measure", ".save", ".print", ".plot", ".probe",
})  # fmt: skip


def check_text(text: str, template: str) -> None:
    """Check a rendered netlist.

    TemplateError with the line number in the rendered netlist, the line and the remedy.

    Parameters
    ----------
    text
        The whole netlist.
    template
        Its template's name, for messages.
    """
    lines = text.split("\n")
    if not lines[0].startswith("*"):
        raise _refusal(
            "a netlist begins with a title", template, 1, lines[0], "start the template with '* title'"
        )
    inside: list[int] = []
    started = False
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if stripped.startswith("*"):
            _check_comment(stripped, template, number)
        elif stripped:
            word = check_statement(stripped, template, number, started)
            started = True
            if word == ".subckt":
                inside.append(number)
            elif word == ".ends":
                if not inside:
                    raise _refusal(".ends without .subckt", template, number, line, "remove it")
                inside.pop()
    if inside:
        raise _refusal(
            ".subckt without .ends",
            template,
            inside[-1],
            lines[inside[-1] - 1],
            "close the subcircuit with .ends",
        )


def _check_comment(line: str, template: str, number: int) -> None:
    if line.lower().startswith(_COMMAND_COMMENTS):
        raise _refusal(
            "ngspice would execute this comment", template, number, line, "write '* ' before a comment"
        )
    if _UNPRINTABLE.search(line):
        raise _refusal(
            "comment holds characters other than plain ASCII", template, number, line,
            "write it in plain ASCII, or as a {# remark #}, which is not rendered",
        )  # fmt: skip


def check_statement(line: str, template: str, number: int, started: bool) -> str:
    """First word, in lower case, of a line that has passed; ``started``: a line to continue is before it.

    TemplateError as :func:`check_text`.
    """
    bad = _FORBIDDEN.search(line)
    if bad:
        raise _refusal(
            f"character {bad.group()!r} is not allowed", template, number, line,
            "use plain ASCII; comments stand on their own lines and begin with '*'",
        )  # fmt: skip
    if _FILE.search(line):
        raise _refusal("elements that read files or run programs are not allowed", template, number, line,
                       "give waveforms and tables as numbers")  # fmt: skip
    word = _FIRST_WORD.findall(line)[0].lower()
    if word.startswith("+"):
        if not started:
            raise _refusal("continuation of nothing", template, number, line, "remove the '+'")
        return "+"
    if word.startswith("."):
        if word not in DOT_WORDS:
            analysis = "leave it out: analyses and outputs are given in Python (Op, Dc, Tran, Ac, Noise)"
            remedy = (
                analysis
                if word in _ANALYSES
                else _REMEDIES.get(word, f"use one of {' '.join(sorted(DOT_WORDS))}")
            )
            raise _refusal(f"{word[:40]} is not allowed in a netlist", template, number, line, remedy)
    elif word[0] not in ELEMENTS:
        raise _refusal(
            f"no element begins with {line[0]!r}", template, number, line,
            f"elements begin with one of {' '.join(sorted(ELEMENTS)).upper()}",
        )  # fmt: skip
    return word


def _refusal(message: str, template: str, number: int, line: str, remedy: str) -> TemplateError:
    shown = line if len(line) <= 80 else line[:77] + "..."
    return TemplateError(f"{message}: {shown!r}", place=f"{template}, rendered line {number}", remedy=remedy)
