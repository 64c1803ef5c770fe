"""``cimspice list``: what there is to run, one line each."""

import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from cimspice.cli.completion import listed
from cimspice.screen.output import JsonFlag, console, print_json


def list_(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORD",
            autocompletion=listed,
            help="benches, templates, models or campaigns, and words to search for in names and titles; "
            "after models, the name of one shows the columns, options and parameters of its fit.",
        ),
    ] = None,
    modules: Annotated[
        list[str] | None,
        typer.Option("--import", metavar="FILE.py", help="Your own benches, to be listed too."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List benches, netlist templates, models and campaigns, with one line on each."""
    from cimspice.cli.characterize import import_modules
    from cimspice.errors import ParameterError

    import_modules(modules or [])
    asked = list(words or [])
    kinds = [asked.pop(0)] if asked and asked[0] in SOURCES else list(SOURCES)
    everything = {kind: dict(SOURCES[kind]()) for kind in kinds}
    if kinds == ["models"] and len(asked) == 1 and asked[0] in everything["models"]:
        _show_model(asked[0], as_json=json)
        return
    wanted = {
        kind: {
            entry: title
            for entry, title in entries.items()
            if all(word.lower() in f"{entry} {title}".lower() for word in asked)
        }
        for kind, entries in everything.items()
    }
    if asked and not any(wanted.values()):
        names = [*SOURCES, *(entry for entries in everything.values() for entry in entries)]
        near = dict.fromkeys(get_close_matches(asked[0], names, n=5))
        raise ParameterError(
            f"{' '.join(asked)!r} is in no name or title of {', '.join(kinds)}",
            place="list",
            remedy=f"did you mean {', '.join(map(repr, near))}?" if near else "cimspice list shows them all",
        )
    if json:
        print_json(wanted)
        return
    screen = console()
    for kind, entries in wanted.items():
        if entries:
            screen.print(f"[bold]{kind}[/]")
            width = max(len(entry) for entry in entries)
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
    """Packaged templates with the first sentence on them."""
    from cimspice.resources import data_directory

    folder = data_directory("netlists")
    for path in sorted(folder.rglob("*.cir.j2")):
        name = path.relative_to(folder).as_posix().removesuffix(".cir.j2")
        yield name, _title(path.read_text(encoding="utf-8")) or "included by others"


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
            found[model.kind] = " ".join((inspect.getdoc(model) or "").split("\n\n", 1)[0].split())
    return iter(sorted(found.items()))


def _campaigns() -> Iterator[tuple[str, str]]:
    from cimspice.families import campaigns

    for name, path in campaigns().items():
        section: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")).get("campaign", {})
        yield name, section.get("title") or f"bench {section.get('bench', '')}"


def _title(template: str) -> str:
    """First sentence of the Jinja comment or of the SPICE title that a template begins with; else empty."""
    found = re.match(r"\s*\{#(.*?)#\}", template, re.DOTALL) or re.match(r"\* *(.*)", template)
    text = " ".join(found[1].split()) if found else ""
    sentence = re.split(r"(?<=[a-z0-9)`\"])\. ", text, maxsplit=1)[0].strip("-# ").removesuffix(".")
    return re.sub(r"\{\{ (\w+).*?\}\}", r"<\1>", sentence)


SOURCES: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {
    "benches": _benches,
    "templates": _templates,
    "models": _models,
    "campaigns": _campaigns,
}
