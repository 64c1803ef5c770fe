"""The folder of a validation: tried before minutes of simulation, and its report."""

from pathlib import Path
from typing import Any

from cimspice.errors import CimspiceError
from cimspice.screen.output import plain


def usable(folder: Path) -> Path:
    """The folder, made if absent and tried for writing now rather than after minutes of simulation."""
    from cimspice.files import write_atomically

    try:
        trial = write_atomically(folder / ".writable", lambda path: path.write_text("trial\n"))
    except CimspiceError as error:
        error.place = str(folder)
        raise
    trial.unlink()
    return folder


def write_report(facts: dict[str, Any], folder: Path) -> Path:
    """``report.json`` in the folder: what ``--json`` prints."""
    import json

    from cimspice.files import write_atomically

    text = json.dumps(plain(facts), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    return write_atomically(folder / "report.json", lambda path: path.write_text(text, encoding="utf-8"))
