"""How a number is written into a netlist: the shortest decimal that reads back as the same double.

No SPICE suffixes (``1M`` is a milli in SPICE), no locale, no rounding. Measured in ngspice 39: an element
value written like this is read to 3 units in the last place, also through ``.param`` and braces; a constant
inside a B-source keeps 11 significant digits, whatever is written.
"""

import math
from decimal import Decimal

from cimspice.errors import ParameterError

LARGEST_INTEGER = 2**53
"""Beyond this, ngspice's doubles no longer hold every integer."""


def number_text(value: float) -> str:
    """Decimal text of a finite number.

    Parameters
    ----------
    value
        An int (at most 2**53 in magnitude), a finite float, or a bool (written 1 or 0).

    Raises
    ------
    ParameterError
        If the number is not finite or an integer is too large for a double.
    """
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise ParameterError(
                f"integer {str(value)[:40]} does not fit a double exactly", remedy="keep it within ±2**53"
            )
        return str(value)
    if not math.isfinite(value):
        raise ParameterError(
            f"number is {float(value)!r}, not finite",
            remedy="look for a division by zero, an overflow or a missing measurement where it comes from",
        )
    return repr(float(value))


def micrometres(length: float) -> float:
    """Length in metres as micrometres, by shifting the decimal point, so that 1.5e-07 gives 0.15 exactly.

    SKY130 devices take ``w`` and ``l`` in micrometres and their bins have sharp edges: a product with 1e6 may
    fall outside.
    """
    return float(Decimal(number_text(length)).scaleb(6))
