"""Where packaged data lie (netlists/, pdk/, ...), in a checkout and when installed from a wheel."""

from pathlib import Path

from cimspice.errors import CimspiceError

_PACKAGE = Path(__file__).resolve().parent
_KINDS = ("netlists", "pdk", "characterize", "cards")


def data_directory(kind: str) -> Path:
    """Folder of packaged data.

    CimspiceError if the kind is unknown or the installation lacks the folder.

    Parameters
    ----------
    kind
        ``"netlists"``, ``"pdk"``, ``"characterize"`` or ``"cards"``.
    """
    if kind not in _KINDS:
        raise CimspiceError(f"unknown kind of data {kind!r}", remedy=f"use one of {', '.join(_KINDS)}")
    for folder in (_PACKAGE / "_data" / kind, _PACKAGE.parent / kind):
        if folder.is_dir():
            return folder
    raise CimspiceError(f"packaged data folder {kind!r} not found", remedy="reinstall cimspice")
