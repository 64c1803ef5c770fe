"""Templates: where they are found, and how one becomes a netlist."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import jinja2
from jinja2 import meta, nodes

from cimspice.errors import CimspiceError, TemplateError
from cimspice.files import read_plain
from cimspice.netlist.include import expand_includes
from cimspice.netlist.netlist import Netlist
from cimspice.netlist.parameters import NetlistParameters
from cimspice.netlist.sandbox import BUDGET, Budget, NetlistEnvironment
from cimspice.netlist.unread import Unread
from cimspice.netlist.values import template_values
from cimspice.resources import data_directory

SUFFIX = ".cir.j2"
LARGEST_TEMPLATE = 4 << 20  # bytes
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_NAME = re.compile(rf"{_PART}(/{_PART})*")


@dataclass(frozen=True)
class Template:
    """One circuit's template."""

    name: str
    """Path below the folder with ``/`` between its parts, ``neuron/network`` for
    ``neuron/network.cir.j2``."""
    root: Path
    """The folder that it, and all that it includes, lies in. What is included and not found there is looked
    for among the packaged templates."""

    @classmethod
    def packaged(cls, name: str) -> Template:
        """A template that comes with cimspice, ``neuron/network`` for instance."""
        template = cls(name, _packaged_folder())
        template.path()
        return template

    @classmethod
    def from_file(cls, path: str | Path, root: str | Path | None = None) -> Template:
        """A user's own template: a file ``*.cir.j2`` inside ``root`` (default: the file's own folder).

        A relative path is taken from the working directory, or from ``root`` where that leads out of it.
        """
        path = Path(path)
        folder = (path.parent if root is None else Path(root)).resolve()
        full = path.resolve()
        if not full.is_relative_to(folder):
            full = (folder / path).resolve()
        if not full.is_relative_to(folder):
            raise TemplateError(
                f"template {str(path)!r} lies outside its folder",
                place=str(folder),
                remedy="move it into the folder",
            )
        if not full.name.endswith(SUFFIX):
            raise TemplateError(
                f"template {str(path)!r} is not a {SUFFIX} file", remedy=f"name it <circuit>{SUFFIX}"
            )
        template = cls(full.relative_to(folder).as_posix().removesuffix(SUFFIX), folder)
        template.path()
        return template

    def path(self) -> Path:
        """File of the template; a :class:`TemplateError` if there is none."""
        return _find(self.name, self.root)

    def source(self) -> str:
        """Text of the template."""
        return _read(self.path())


class Unrendered(NamedTuple):
    """What ``render`` gives for parameters that hold an ``Unread`` value: what it was asked for."""

    template: Template
    parameters: NetlistParameters


def render(template: str | Template, parameters: NetlistParameters) -> Netlist:
    """Render a template with validated parameters.

    Parameters
    ----------
    template
        A :class:`Template`, or the name of a packaged one.
    parameters
        Any :class:`NetlistParameters`; its fields and computed fields are the template's variables.

    Returns
    -------
    Netlist
        Checked text without empty lines.

    Inside :func:`~cimspice.netlist.include.allow_includes`, ``.include`` and ``.lib`` of model files are
    written out.

    Raises
    ------
    TemplateError
        If the template is not found, not safe, asks for parameters that there are not, or makes text that is
        not allowed in a netlist. The error names the template, the line and the remedy.
    """
    if isinstance(template, str):
        template = Template.packaged(template)
    if not isinstance(parameters, NetlistParameters):
        raise TemplateError(
            f"parameters are a {type(parameters).__name__}", place=template.name,
            remedy="render with a subclass of NetlistParameters",
        )  # fmt: skip
    if any(isinstance(value, Unread) for value in vars(parameters).values()):
        return cast("Netlist", Unrendered(template, parameters))
    environment = _environment(template.root)
    values = template_values(parameters)
    try:
        compiled = environment.get_template(template.name)
        _check_names(template, values, type(parameters).__name__)
        text = _run(compiled, values)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"not a valid template: {error.message}",
            place=f"{error.filename or template.name}, line {error.lineno}",
            remedy="every {% for %}, {% if %} and {% macro %} needs its {% end… %}",
        ) from None  # fmt: skip
    except CimspiceError as error:
        error.place = error.place or _place(error, template)
        raise
    except RecursionError:
        raise TemplateError(
            "macros or includes call one another without end", place=template.name, remedy="break the circle"
        ) from None
    except (SyntaxError, MemoryError) as error:  # of Python, in which Jinja writes the template down
        raise TemplateError(
            f"loops or brackets nest too deeply: {error}", place=template.name, remedy="nest them less"
        ) from None
    except (
        jinja2.TemplateError,
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise TemplateError(
            f"{str(error) or type(error).__name__}", place=_place(error, template),
            remedy=f"the template's parameters are: {', '.join(values)}",
        ) from None  # fmt: skip
    lines = (line.rstrip(" \t") for line in text.split("\n"))
    text, included = expand_includes("\n".join(line for line in lines if line) + "\n", template.name)
    return Netlist(
        text=text,
        template=template.name,
        parameters=parameters.model_dump(mode="json"),
        sources={**_sources(template), **included},
    )


def only_prints(template: Template, names: frozenset[str]) -> bool:
    """Whether a template and all that it includes use these parameters in nothing but ``{{ name }}``, outside
    macros: then no value of theirs changes anything else of what is rendered.
    """
    return all(_only_prints(source, names) for _, source in _parts(template))


@lru_cache(maxsize=256)
def _only_prints(source: str, names: frozenset[str]) -> bool:
    tree = NetlistEnvironment(jinja2.DictLoader({})).parse(source)
    macros = {id(node) for macro in tree.find_all(nodes.Macro) for node in macro.find_all(nodes.Output)}
    outputs = [output for output in tree.find_all(nodes.Output) if id(output) not in macros]
    printed = {id(node) for output in outputs for node in output.nodes}
    return all(node.name not in names or id(node) in printed for node in tree.find_all(nodes.Name))


def _sources(template: Template) -> dict[str, str]:
    """Digest of the template and of all that it includes, by name."""
    return dict(sorted((name, _digest_and_includes(source)[0]) for name, source in _parts(template)))


def _parts(template: Template) -> Iterator[tuple[str, str]]:
    """Name and text of the template and of all that it includes."""
    found: set[str] = set()
    waiting = [template.name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            source = _read(_find(name, template.root, _packaged_folder()))
            waiting += _digest_and_includes(source)[1]
            yield name, source


@lru_cache(maxsize=256)
def _digest_and_includes(source: str) -> tuple[str, tuple[str, ...]]:
    tree = NetlistEnvironment(jinja2.DictLoader({})).parse(source)
    inner = tuple(name.removesuffix(SUFFIX) for name in meta.find_referenced_templates(tree) if name)
    return hashlib.sha256(source.encode()).hexdigest(), inner


def _run(compiled: jinja2.Template, values: dict[str, Any]) -> str:
    budget = Budget()
    pieces = []
    for piece in compiled.generate({**values, BUDGET: budget}):
        budget.spend(len(piece))
        pieces.append(piece)
    return "".join(pieces)


def _check_names(template: Template, values: dict[str, Any], model: str) -> None:
    """Every name that the template uses is a parameter, also in branches that are not taken this time."""
    path = template.path()
    used = _names_used(_read(path), template.name, str(path))
    unknown = {name: line for name, line in used.items() if name not in values}
    if unknown:
        listed = ", ".join(f"{name!r} (line {line})" for name, line in unknown.items())
        raise TemplateError(
            f"the template uses {listed}, which {model} does not have", place=str(path),
            remedy=f"parameters of {model} are: {', '.join(values) or 'none'}",
        )  # fmt: skip


@lru_cache(maxsize=256)
def _names_used(source: str, name: str, filename: str) -> dict[str, int]:
    """Variables that a template takes from its parameters, with the first line that uses them."""
    environment = NetlistEnvironment(jinja2.DictLoader({}))
    tree = environment.parse(source, name, filename)
    undeclared = meta.find_undeclared_variables(tree) - set(environment.globals)
    lines: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in undeclared:
            lines.setdefault(node.name, node.lineno)
    return dict(sorted(lines.items(), key=lambda entry: entry[1]))


def _place(error: BaseException, template: Template) -> str:
    """File and line of the template in which an exception arose (Jinja puts them into the traceback)."""
    place, trace = template.name, error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename.endswith(SUFFIX):
            place = f"{filename}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


class _FolderLoader(jinja2.BaseLoader):
    """Loads templates from one folder, then from the packaged ones, and from nowhere else."""

    def __init__(self, root: Path):
        self.root = root

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        path = _find(template.removesuffix(SUFFIX), self.root, _packaged_folder())
        source = _read(path)
        return source, str(path), lambda: path.is_file() and _read(path) == source


@lru_cache(maxsize=16)
def _environment(root: Path) -> NetlistEnvironment:
    return NetlistEnvironment(_FolderLoader(root))


@lru_cache(maxsize=1)
def _packaged_folder() -> Path:
    """Folder of the packaged templates, without links."""
    return data_directory("netlists").resolve()


def _find(name: str, *roots: Path) -> Path:
    if not _NAME.fullmatch(name):
        raise TemplateError(
            f"{name[:80]!r} is not a template's name",
            remedy="use a name such as 'neuron/network': letters, digits, _ . - and / between folders",
        )
    for root in roots:
        path = (root / (name + SUFFIX)).resolve()
        if not path.is_relative_to(root):
            raise TemplateError(
                f"template {name!r} leads out of its folder",
                place=str(root),
                remedy="do not link to files outside",
            )
        if path.is_file():
            return path
    known = sorted(
        found.relative_to(root).as_posix().removesuffix(SUFFIX)
        for root in roots
        for found in root.rglob("*" + SUFFIX)
    )
    raise TemplateError(
        f"there is no template {name!r} in {' or '.join(map(str, roots))}",
        remedy=f"there are: {', '.join(known[:30]) or 'none'}",
    )


def _read(path: Path) -> str:
    try:
        return read_plain(path, LARGEST_TEMPLATE).decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(
            f"template cannot be read: {error}", place=str(path), remedy="save it as UTF-8 text"
        ) from None
