"""Units as people write them: factor and offset to the SI unit of a column or a parameter."""

import re

_PREFIXES = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "": 0, "k": 3, "K": 3}
_PREFIXES |= {"µ": -6, "μ": -6, "M": 6, "G": 9}  # both forms of the micro sign
_PREFIXES |= {"atto": -18, "femto": -15, "pico": -12, "nano": -9, "micro": -6, "milli": -3}
_PREFIXES |= {"kilo": 3, "mega": 6, "giga": 9}
_BASES: dict[str, tuple[float, ...]] = {  # powers of volt, ampere, second, metre, kelvin
    "V": (1, 0, 0, 0, 0),
    "A": (0, 1, 0, 0, 0),
    "s": (0, 0, 1, 0, 0),
    "m": (0, 0, 0, 1, 0),
    "K": (0, 0, 0, 0, 1),
    "F": (-1, 1, 1, 0, 0),
    "C": (0, 1, 1, 0, 0),
    "S": (-1, 1, 0, 0, 0),
    "ohm": (1, -1, 0, 0, 0),
    "J": (1, 1, 1, 0, 0),
    "W": (1, 1, 0, 0, 0),
    "Hz": (0, 0, -1, 0, 0),
}
_NAMES = {"volt": "V", "amp": "A", "ampere": "A", "second": "s", "sec": "s", "farad": "F", "coulomb": "C"}
_NAMES |= {"siemens": "S", "ohm": "ohm", "joule": "J", "watt": "W", "hertz": "Hz", "kelvin": "K"}
_CELSIUS = ("degC", "°C", "C", "celsius", "Celsius")
_SYMBOL = re.compile(rf"([afpnumcµμkKMG]?)({'|'.join(_BASES)})")
_WORD = re.compile(rf"(atto|femto|pico|nano|micro|milli|kilo|mega|giga|)({'|'.join(_NAMES)})s?")
_ATOM = re.compile(r"([^\d^⁻²³]+)\^?([+-]?\d(?:\.\d+)?|⁻?[¹²³])?")
_SUPERSCRIPTS = str.maketrans("⁻¹²³", "-123")
_OHM = re.compile("(Ω|\u2126|[Oo]hms?|OHMS?)$")  # the Greek letter, the ohm sign and its names


def parse_unit(text: str) -> tuple[tuple[float, ...], float] | None:
    """Powers of (volt, ampere, second, metre, kelvin) and factor to SI; None for what is no unit."""
    powers, decades = [0.0] * 5, 0.0
    for place, part in enumerate(text.strip().split("/")):
        for atom in re.split(r"[·*⋅ ]+", part.strip().strip("()")):
            if atom in ("1", "%"):
                decades -= 2 if atom == "%" else 0
                continue
            found = _ATOM.fullmatch(atom)
            name = _OHM.sub("ohm", found[1]) if found else ""
            known = _SYMBOL.fullmatch(name) or _WORD.fullmatch(name.lower())
            if found is None or known is None:
                return None
            power = float((found[2] or "1").translate(_SUPERSCRIPTS)) * (-1 if place else 1)
            base = _BASES[_NAMES.get(known[2], known[2])]
            powers = [one + power * other for one, other in zip(powers, base, strict=True)]
            decades += _PREFIXES[known[1]] * power
    return tuple(powers), float(f"1e{decades:.0f}") if decades.is_integer() else 10**decades


def to_unit(text: str, wanted: str) -> tuple[float, float] | None:
    """(factor, offset) from a unit to the SI unit ``wanted``, or None where they are not of one kind."""
    text = text.strip()
    if wanted == "degC":
        return (1.0, 0.0) if text in _CELSIUS else (1.0, -273.15) if text in ("K", "kelvin") else None
    if text == wanted:
        return 1.0, 0.0
    given, asked = parse_unit(text), parse_unit(wanted)
    if given is None or asked is None or given[0] != asked[0]:
        return None
    return given[1] / asked[1], 0.0
