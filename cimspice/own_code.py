"""Code that a user wrote (a bench, a parameter model): what it raises is reported with its line."""

import sysconfig
import traceback
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_LIBRARIES = [
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")
]


def line_of(error: BaseException) -> str:
    """``file:line`` of the innermost frame of an exception that is neither of Python, of an installed package
    nor of cimspice outside its benches, of the innermost one if all are; of a syntax error its own.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _foreign(frame.filename)] or list(frames)
    return f"{own[-1].filename}:{own[-1].lineno}" if own else ""


def _foreign(name: str) -> bool:
    path = Path(name)
    if not path.is_absolute():
        return name.startswith(("<frozen", "<__array_function__"))
    if path.is_relative_to(_PACKAGE):
        return not {"bench", "circuit"} & set(path.relative_to(_PACKAGE).parts)
    return any(path.is_relative_to(folder) for folder in _LIBRARIES)
