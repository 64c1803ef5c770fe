"""``cimspice list``: what there is to run, one line each."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json


def list_(
    kind: Annotated[
        str, typer.Argument(help="benches, templates, models or campaigns; default: all of them.")
    ] = "all",
    name: Annotated[
        str, typer.Argument(help="One model: the columns, options and parameters of its fit.")
    ] = "",
    modules: Annotated[
        list[str] | None,
        typer.Option("--import", metavar="FILE.py", help="Your own benches, to be listed too."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List benches, netlist templates, models and campaigns, with one line on each."""
    from cimspice.cli.characterize import import_modules
    from cimspice.errors import ParameterError

    if kind != "all" and kind not in _SOURCES:
        raise ParameterError(
            f"{kind!r} cannot be listed", place="list", remedy=f"there are {', '.join(_SOURCES)}"
        )
    import_modules(modules or [])
    if name:
        if kind != "models":
            raise ParameterError(
                f"{name!r} is asked for of {kind}", place="list", remedy="write cimspice list models NAME"
            )
        _show_model(name, as_json=json)
        return
    wanted = {name: dict(source()) for name, source in _SOURCES.items() if kind in ("all", name)}
    if json:
        print_json(wanted)
        return
    screen = console()
    for name, entries in wanted.items():
        screen.print(f"[bold]{name}[/]")
        width = max((len(entry) for entry in entries), default=0)
        for entry, title in entries.items():
            screen.print(f"  {entry:<{width}}  {title}", markup=False)


def _show_model(name: str, *, as_json: bool) -> None:
    """What a fit of one model takes and gives."""
    from cimspice.fit.named import recipe

    known = recipe(name)
    columns = {
        key: {
            "unit": column.unit,
            "also": list(column.names),
            "choices": list(column.choices),
            "required": column.required,
        }
        for key, column in known.schema.columns.items()
    }
    options = {
        key: "must be given" if default is inspect.Parameter.empty else default
        for key, default in known.options.items()
    }
    facts = {"model": known.kind, "title": known.title, "columns": columns}
    facts |= {"options": options, "parameters": known.parameters}
    if as_json:
        print_json(facts)
        return
    screen = console()
    screen.print(f"{known.kind}: {known.title}", markup=False)
    rows = {"columns": [], "options (--option NAME=VALUE)": [], "parameters": list(known.parameters.items())}
    for key, column in columns.items():
        form = column["unit"] or " or ".join(column["choices"]) or "a word"
        also = f", also {', '.join(column['also'])}" if column["also"] else ""
        rows["columns"].append((key, f"{form}{also}{'' if column['required'] else ', may be missing'}"))
    for key, default in options.items():
        rows["options (--option NAME=VALUE)"].append((key, str(default)))
    for heading, entries in rows.items():
        screen.print(f"[bold]{heading}[/]")
        width = max((len(key) for key, _ in entries), default=0)
        for key, text in entries:
            screen.print(f"  {key:<{width}}  {text}", markup=False)


def _benches() -> Iterator[tuple[str, str]]:
    from cimspice.bench import benches

    return ((bench.name, bench.title) for bench in benches())


def _templates() -> Iterator[tuple[str, str]]:
    """Packaged templates with the title that is their first line."""
    from cimspice.resources import data_directory

    folder = data_directory("netlists")
    for path in sorted(folder.rglob("*.cir.j2")):
        lines = path.read_text(encoding="utf-8").splitlines()
        first = lines[1] if lines[0].strip() == "{#" else lines[0]
        yield path.relative_to(folder).as_posix().removesuffix(".cir.j2"), _without_marks(first)


def _models() -> Iterator[tuple[str, str]]:
    from cimspice.families import import_room
    from cimspice.fit.model import Model

    import_room("model")

    found: dict[str, str] = {}
    waiting: list[type[Model]] = [Model]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if model.kind and not inspect.isabstract(model):
            found[model.kind] = (inspect.getdoc(model) or "").split("\n", 1)[0]
    return iter(sorted(found.items()))


def _campaigns() -> Iterator[tuple[str, str]]:
    from cimspice.resources import campaigns

    for name, path in campaigns().items():
        section: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")).get("campaign", {})
        yield name, section.get("title") or f"bench {section.get('bench', '')}"


def _without_marks(line: str) -> str:
    """The words of a SPICE title or a Jinja comment; a part that others include may begin with neither."""
    if not line.startswith(("*", "{#", "  ")):
        return "included by others"
    return line.strip().removeprefix("{#").removesuffix("#}").strip("*# -").strip()


_SOURCES: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {
    "benches": _benches,
    "templates": _templates,
    "models": _models,
    "campaigns": _campaigns,
}
