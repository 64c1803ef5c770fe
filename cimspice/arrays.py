"""Numbers and arrays that users give, checked where they come in: refusals name value, place and remedy."""

import sys
from collections.abc import Callable, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from cimspice.errors import CimspiceError, ParameterError


class ClippedWarning(UserWarning):
    """What was given is beyond what the circuit takes: its results are those of the limit."""


Shape = Sequence[int | str | EllipsisType]
"""Length of each axis; a name stands for any length, ``...`` in front for any leading axes."""
ErrorClass = Callable[..., CimspiceError]

Array = np.ndarray


def foreign(x: object) -> bool:
    """Whether ``x`` is an array of another library than numpy: one of the array API, or a torch tensor."""
    if isinstance(x, np.ndarray | np.generic):
        return False
    torch = sys.modules.get("torch")
    return hasattr(x, "__array_namespace__") or (torch is not None and isinstance(x, torch.Tensor))


def namespace(x: Any) -> Any:
    """The functions that take such an array: numpy's, those of its array API, or torch's."""
    if isinstance(x, np.ndarray):
        return np
    if not foreign(x):
        raise ParameterError(
            f"inputs are a {type(x).__name__}", place="inputs", remedy="give an array of numbers"
        )
    return x.__array_namespace__() if hasattr(x, "__array_namespace__") else sys.modules["torch"]


def like(array: Any, x: Any) -> Any:
    """A number or numpy array in the library of ``x``, its precision, on its device; any other as it is."""
    if isinstance(x, np.ndarray) or foreign(array):
        return array
    return namespace(x).asarray(np.array(array), dtype=x.dtype, device=x.device)


def values(x: Any) -> np.ndarray:
    """The numbers of an array of any library in numpy, without gradients."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)


def taken(x: Any, index: Any) -> Any:
    """Rows ``index`` (n,) of ``x`` (rows, ...), in any library: (n, ...)."""
    if isinstance(x, np.ndarray):
        return x[index]
    xp = namespace(x)
    return xp.index_select(x, 0, index) if hasattr(xp, "index_select") else xp.take(x, index, axis=0)


def real_array(name: str, value: object, error: ErrorClass = ParameterError) -> np.ndarray:
    """An array of real numbers, as it is; complex numbers, text, masked values and rows of unequal length are
    refused."""
    if np.ma.is_masked(value):
        raise error(
            f"{name} has masked values", place=name, remedy="fill them: no number stands for a missing one"
        )
    try:
        array = np.asarray(value)
    except ValueError:
        raise error(
            f"{name} has rows of different lengths", place=name, remedy="give as many numbers in every row"
        ) from None
    if array.dtype.kind not in "biuf":
        raise error(f"{name} is of type {array.dtype}", place=name, remedy="give real numbers in SI units")
    return array


def numbers(name: str, value: object) -> np.ndarray:
    """A new real array in double precision, row after row; refuses what `real_array` does."""
    return real_array(name, value).astype(float, order="C")


def checked_array(
    name: str,
    value: object,
    shape: Shape,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    infinite: bool = False,
    whole: bool = False,
    error: ErrorClass = ParameterError,
) -> np.ndarray:
    """Real numbers as float64, or as int64 or int32 if ``whole``: the caller's own array where it is that.

    Parameters
    ----------
    name
        What the numbers are, for messages; in the plural.
    value
        What was given.
    shape
        That it must have.
    low, high
        Both allowed; infinite numbers only if ``infinite``.
    whole
        Refuse fractions.
    error
        Class of the refusal.
    """
    given = real_array(name, value, error)
    if not _fits(given.shape, shape):
        raise error(f"{name} have shape {given.shape}", place=name, remedy=f"give {_shape_text(shape)}")
    array = given if whole and given.dtype.kind in "iu" else np.asarray(given, dtype=float)
    if array.size:
        least, most = array.min(), array.max()
        inside = least >= low and most <= high and (infinite or (least > -np.inf and most < np.inf))
        if not inside or (whole and array.dtype.kind == "f" and (array != np.rint(array)).any()):
            _refuse(name, array, low, high, infinite, whole, error)
    return array.astype(np.int64) if whole and array.dtype not in (np.int32, np.int64) else array


def kept_array(name: str, value: object, shape: Shape, **bounds) -> np.ndarray:
    """As `checked_array`, a read-only copy: what its giver changes later has no effect."""
    array = np.array(checked_array(name, value, shape, **bounds), order="C")
    array.setflags(write=False)
    return array


def checked_number(
    name: str,
    value: object,
    *,
    low: float = -np.inf,
    above: float = -np.inf,
    high: float = np.inf,
    below: float = np.inf,
    infinite: bool = False,
    place: str = "",
    error: ErrorClass = ParameterError,
) -> float:
    """A real number; ``low`` and ``high`` are allowed, ``above`` and ``below`` are not."""
    number = _real(value)
    inside = low <= number <= high and (infinite or np.isfinite(number))
    strictly = (above == -np.inf or number > above) and (below == np.inf or number < below)
    if not (inside and strictly):
        raise _number_refused(name, value, low, above, high, below, "number", place, error)
    return number


def checked_count(
    name: str,
    value: object,
    *,
    low: int = 1,
    high: float = np.inf,
    place: str = "",
    error: ErrorClass = ParameterError,
) -> int:
    """A whole number, of an integer type, from ``low`` to ``high``, both allowed."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and low <= value <= high:
        return int(value)
    raise _number_refused(name, value, low, -np.inf, high, np.inf, "whole number", place, error)


def _real(value: object) -> float:
    """A number's value; nan for what is none, ``True`` and numbers beyond double precision among it."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.nan


def _fits(found: tuple[int, ...], wanted: Shape) -> bool:
    if wanted and wanted[0] is ...:
        wanted = wanted[1:]
        if len(found) < len(wanted):
            return False
        found = found[len(found) - len(wanted) :]
    pairs = zip(found, wanted, strict=False)
    return len(found) == len(wanted) and all(isinstance(w, str) or f == w for f, w in pairs)


def _shape_text(shape: Shape) -> str:
    inside = ", ".join("..." if axis is ... else str(axis) for axis in shape)
    return f"an array ({inside}{',' if len(shape) == 1 else ''})" if shape else "one number"


def _range_text(kind: str, low: float, above: float, high: float, below: float) -> str:
    ends = [
        text
        for bound, text in (
            (low, f"of at least {low:g}"),
            (above, f"above {above:g}"),
            (high, f"of at most {high:g}"),
            (below, f"below {below:g}"),
        )
        if np.isfinite(bound)
    ]
    return " ".join([kind, " and ".join(ends)]).rstrip()


def _refuse(name, array, low, high, infinite, whole, error) -> None:
    wrong = ~((array >= low) & (array <= high))
    if not infinite:
        wrong |= np.isinf(array)
    if whole:
        wrong |= array != np.rint(array)
    at = tuple(int(axis) for axis in np.argwhere(wrong)[0])
    kind = "whole numbers" if whole else "numbers" if infinite else "finite numbers"
    raise error(
        f"{name} hold {array[at]:g} ({int(wrong.sum())} of {array.size} do not fit)",
        place=f"{name}[{', '.join(map(str, at))}]" if at else name,
        remedy=f"give {_range_text(kind, low, -np.inf, high, np.inf)}",
    )


def _number_refused(name, value, low, above, high, below, kind, place, error) -> CimspiceError:
    shown = repr(value) if isinstance(value, str) else str(value)
    return error(
        f"{name} is {shown[:60]}",
        place=place or name,
        remedy=f"give a {_range_text(kind, low, above, high, below)}",
    )
