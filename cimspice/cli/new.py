"""``cimspice new``: a working skeleton to start from, in the user's own folder."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from cimspice.cli.output import JsonFlag, console, print_json
from cimspice.errors import ParameterError

app = typer.Typer(help="Write a working skeleton into a folder of your own.", no_args_is_help=True)

_SKELETON = Path(__file__).parent / "skeleton"
_FILES = {
    "template.txt": "{}.cir.j2",
    "bench.txt": "{}_bench.py",
    "campaign.txt": "{}.toml",
    "test.txt": "test_{}.py",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@app.callback()
def _root() -> None:
    """Keeps ``bench`` a word of its own though it is the only command."""


@app.command("bench")
def new_bench(
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits, underscores.")],
    folder: Annotated[Path | None, typer.Option(help="Where; default: a new folder of that name.")] = None,
    json: JsonFlag = False,
) -> None:
    """Write netlist template, bench, campaign file and test of a small circuit, to be changed into yours."""
    files = write_bench(name, folder or Path(name))
    if json:
        print_json({"bench": name, "files": files})
        return
    for path in files:
        console().print(f"  {path}", markup=False)
    campaign, module = files[2], files[1]
    console().print(f"run it:  cimspice characterize {campaign} --import {module}", markup=False)
    console().print(f"test it: python -m pytest {files[3]}", markup=False)


def write_bench(name: str, folder: Path) -> list[Path]:
    """Write the skeleton: template, bench, campaign and test, in this order.

    Raises
    ------
    ParameterError
        If the name cannot be used or is taken, or a file is already there: nothing is overwritten.
    """
    from cimspice.circuits import benches
    from cimspice.files import write_atomically

    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ParameterError(
            f"{name!r} cannot be the name of a bench",
            remedy="use lower-case letters, digits and underscores, beginning with a letter",
        )
    if name in {known.name for known in benches()}:
        raise ParameterError(f"there is a bench {name!r} already", remedy="choose another name")
    paths = [folder / pattern.format(name) for pattern in _FILES.values()]
    for path in paths:
        if path.exists():
            raise ParameterError("the file is already there", place=str(path), remedy="name another --folder")
    title = "".join(part.capitalize() for part in name.split("_"))
    for source, path in zip(_FILES, paths, strict=True):
        text = (_SKELETON / source).read_text(encoding="utf-8")
        text = text.replace("@NAME@", name).replace("@CLASS@", title)
        write_atomically(path, lambda where, text=text: where.write_text(text, encoding="utf-8"))
    return paths
