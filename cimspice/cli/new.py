"""``cimspice new``: a working skeleton to start from, in the user's own folder."""

import keyword
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cimspice.errors import ParameterError
from cimspice.families import with_card
from cimspice.screen.output import JsonFlag, console, print_json

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
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE.spice", help="A netlist of yours: of xschem, Magic, or your own."
        ),
    ] = None,
    subcircuit: Annotated[
        str | None, typer.Option(help="Which of its subcircuits; default: the top.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Write netlist template, bench, campaign file and test: of your own circuit with --from, otherwise of a
    small one, to be changed into yours."""
    from cimspice.bench.schematic import read_schematic
    from cimspice.cli.new_from import bench_files

    if subcircuit is not None and source is None:
        raise ParameterError(
            "no netlist to take it from", place="--subcircuit", remedy="add --from FILE.spice"
        )
    schematic = read_schematic(source, subcircuit) if source is not None else None
    texts = bench_files(name, schematic, source) if schematic and source else skeleton(name)
    files = write_bench(name, folder or Path(name), texts)
    left_out = schematic.left_out if schematic else ()
    if json:
        ports = (
            {"ports": schematic.top.directions, "left_out": [vars(one) for one in left_out]}
            if schematic
            else {}
        )
        print_json({"bench": name, "files": files, **ports})
        return
    if schematic:
        found = ", ".join(f"{port} ({kind})" for port, kind in schematic.top.directions.items())
        console().print(f"{schematic.top.name}: {found}", markup=False)
    for one in left_out:
        console().print(f"  left out, line {one.number}: {one.line} ({one.why})", markup=False)
    for path in files:
        console().print(f"  {path}", markup=False)
    campaign, module = files[2], files[1]
    console().print(f"run it:  cimspice characterize {campaign} --import {module}", markup=False)
    console().print(f"test it: python -m pytest {files[3]}", markup=False)


def skeleton(name: str) -> list[str]:
    """Texts of template, bench, campaign and test of a small circuit."""
    title = "".join(part.capitalize() for part in name.split("_"))
    texts = ((_SKELETON / source).read_text(encoding="utf-8") for source in _FILES)
    return [text.replace("@NAME@", name).replace("@CLASS@", title) for text in texts]


def write_bench(name: str, folder: Path, texts: Sequence[str]) -> list[Path]:
    """Write template, bench, campaign and test, in this order.

    ParameterError if the name cannot be used or is taken, or a file is already there: nothing is overwritten.
    """
    from cimspice.bench import benches
    from cimspice.files import write_atomically

    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ParameterError(
            f"{name!r} cannot be the name of a bench",
            remedy="use lower-case letters, digits and underscores, beginning with a letter",
        )
    taken = (
        "family" if name in with_card() else "bench" if name in {known.name for known in benches()} else ""
    )
    if taken:
        raise ParameterError(f"there is a {taken} {name!r} already", remedy="choose another name")
    paths = [folder / pattern.format(name) for pattern in _FILES.values()]
    for path in paths:
        if path.exists():
            raise ParameterError("the file is already there", place=str(path), remedy="name another --folder")
    for text, path in zip(texts, paths, strict=True):
        write_atomically(path, lambda where, text=text: where.write_text(text, encoding="utf-8"))
    return paths
