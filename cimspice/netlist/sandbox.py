"""The Jinja environment in which templates run: no Python behind it, bounded work, exact numbers, words.

A template may use ``{{ value }}``, ``{% if %}``, ``{% for %}``, ``{% set %}``, ``{% with %}``,
``{% macro %}``, ``{% include "family/circuit" %}`` and ``{# remark #}``. What it prints is a number, a word,
or what one of its own macros printed.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, nodes, pass_context
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from cimspice.errors import TemplateError
from cimspice.netlist.numbers import LARGEST_INTEGER, micrometres, number_text
from cimspice.netlist.parameters import is_word

WORK_LIMIT = 5_000_000
"""Turns of loops, macro calls and printed values that one rendering may take."""

TEXT_LIMIT = 128 * 2**20
"""Characters of one rendered netlist."""

TIME_LIMIT = 120.0
"""Seconds of one rendering. Far more than the work allowed above takes; for what those counts do not see."""

BUDGET = "budget of this rendering"
"""Key in the context; no identifier, so no template can name it."""

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.With,
    nodes.Macro, nodes.Include, nodes.Expr, nodes.Helper, nodes.NSRef,
)  # fmt: skip


class Budget:
    """Counts the work of one rendering and stops it when there is too much."""

    def __init__(self) -> None:
        self.work, self.characters = WORK_LIMIT, TEXT_LIMIT
        self.end = time.monotonic() + TIME_LIMIT

    def spend(self, characters: int = 0) -> None:
        """Take one step and some characters of text off what is left."""
        self.work -= 1
        self.characters -= characters
        if self.work < 0 or self.characters < 0:
            raise TemplateError(
                f"more than {WORK_LIMIT} loop turns, macro calls and values, or {TEXT_LIMIT} characters",
                remedy="bound the loops by the sizes in the parameters",
            )
        if time.monotonic() > self.end:
            raise TemplateError(f"rendering takes more than {TIME_LIMIT:g} s", remedy="make it smaller")


class Fragment(str):
    """Text printed by a macro of the template: made of template text and of values that have been checked."""

    __slots__ = ()


@pass_context
def _counted(context: Context, values: Any) -> Iterator[Any]:
    """Every loop goes through here, so that its turns are counted."""
    budget: Budget = context[BUDGET]
    if not isinstance(values, Iterable):
        raise TemplateError(f"a loop runs over {values!r}", remedy="loop over a list, or over range(count)")
    for value in values:
        budget.spend()
        yield value


def _over(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of lists, as templates may call it: every element that it takes is counted."""

    @pass_context
    def counted(context: Context, *lists: Any) -> Any:
        return function(*(_counted(context, values) for values in lists))

    return counted


@pass_context
def _searched(context: Context, values: Any) -> Any:
    """What stands right of ``in``: a word is searched as it is, elements of anything else are counted."""
    return values if isinstance(values, str) else _counted(context, values)


@pass_context
def _joined(context: Context, values: list[Any]) -> str:
    """``a ~ b``: what is joined is a word again."""
    text = "".join(_printed(context, value) for value in values)
    if not is_word(text):
        raise TemplateError(
            f"text {text[:40]!r} is not one word", remedy="join numbers and single words only"
        )
    return text


@pass_context
def _printed(context: Context, value: Any) -> str:
    """What ``{{ value }}`` writes."""
    if isinstance(value, StrictUndefined | Fragment):
        text = str(value)  # raises Jinja's own error if it is undefined
    elif isinstance(value, int | float):
        text = number_text(value)
    elif isinstance(value, str):
        text = value
        if not is_word(text):
            raise TemplateError(
                f"text {text[:40]!r} is not one word",
                remedy="values print as numbers or single words; write the rest as SPICE",
            )
    else:
        raise TemplateError(
            f"a {type(value).__name__} cannot be printed",
            remedy="print its elements: {% for x in list %} {{ x }} {% endfor %}",
        )
    context[BUDGET].spend(len(text))
    return text


def _range(*bounds: Any) -> range:
    for bound in bounds:
        if not isinstance(bound, int) or isinstance(bound, bool) or abs(bound) > WORK_LIMIT:
            raise TemplateError(
                f"range({', '.join(map(repr, bounds))})"[:80]
                + " is not a range of integers of bearable size",
                remedy=f"use integers within ±{WORK_LIMIT}",
            )
    return range(*bounds)


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "length": len,
    "sum": _over(sum),
    "min": _over(min),
    "max": _over(max),
    "micrometres": micrometres,
    "int": int,
}
_GLOBALS: dict[str, Callable[..., Any]] = {
    "range": _range,
    "zip": _over(zip),
    "enumerate": _over(enumerate),
    "namespace": Namespace,
}


def _fault(node: nodes.Node) -> tuple[str, str] | None:
    """What a template may not contain, with the remedy."""
    plain = "write it as SPICE, with values, loops and conditions only"
    if not isinstance(node, _ALLOWED):
        return f"{{% {type(node).__name__.lower()} %}} is not allowed in a netlist template", plain
    if isinstance(node, nodes.Include) and not (
        isinstance(node.template, nodes.Const) and isinstance(node.template.value, str)
    ):
        return (
            "the name in {% include %} is not written out",
            'give one name in quotes: {% include "family/circuit" %}',
        )
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"no filter {node.name!r} in netlist templates", f"there are: {', '.join(FILTERS)}"
    if isinstance(node, nodes.For) and node.recursive:
        return "recursive loops are not allowed in a netlist template", plain
    return None


class _Guard(NodeTransformer):
    """Sends every loop through ``_counted``, every ``in`` through ``_searched``, every ``~`` through
    ``_joined``.
    """

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 (the visitor's naming)
        self.generic_visit(node)
        node.iter = _call_filter("_counted", node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 (the visitor's naming)
        self.generic_visit(node)
        return _call_filter("_joined", nodes.List(node.nodes, lineno=node.lineno))

    def visit_Operand(self, node: nodes.Operand) -> nodes.Operand:  # noqa: N802 (the visitor's naming)
        self.generic_visit(node)
        if node.op in ("in", "notin"):
            node.expr = _call_filter("_searched", node.expr)
        return node


def _call_filter(name: str, value: Any) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None, lineno=value.lineno)


_INTERNAL: dict[str, Callable[..., Any]] = {
    "_counted": _counted,
    "_searched": _searched,
    "_joined": _joined,
}


class NetlistEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox, narrowed to what netlists need."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, loader: BaseLoader):
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=False,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=_printed,
        )
        self.globals = dict(_GLOBALS)
        self.filters = {**FILTERS, **_INTERNAL}

    def compile(
        self, source: Any, name: Any = None, filename: Any = None, raw: bool = False, defer_init: bool = False
    ) -> Any:
        """Jinja's, with the tree restricted and its loops counted before any code is made of it."""
        tree = self.parse(source, name, filename) if isinstance(source, str) else source
        for node in tree.find_all(nodes.Node):
            fault = _fault(node)
            if fault:
                raise TemplateError(
                    fault[0], place=f"{filename or name}, line {node.lineno}", remedy=fault[1]
                )
        return super().compile(_Guard().visit(tree), name, filename, raw, defer_init)

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, Macro) or any(obj is entry for entry in self.globals.values())

    def call(self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        __context[BUDGET].spend()
        result = super().call(__context, __obj, *args, **kwargs)
        if isinstance(__obj, Macro):
            __context[BUDGET].spend(len(result))
            return Fragment(result)
        return result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers alone, and on ones that stay finite and small enough to keep exact."""
        for operand in (left, right):
            if isinstance(operand, StrictUndefined):
                str(operand)  # raises Jinja's own error, which names it
            if not isinstance(operand, int | float):
                raise TemplateError(
                    f"{operator!r} between {left!r} and {right!r}"[:120],
                    remedy="calculate with numbers; join words with ~",
                )
        if operator == "**" and abs(right) > 1024:
            raise TemplateError(f"power {right!r} is too large", remedy="calculate it in the parameter model")
        try:
            result = super().call_binop(context, operator, left, right)
        except (ZeroDivisionError, OverflowError) as error:
            raise TemplateError(f"{left!r} {operator} {right!r}: {error}") from None
        if isinstance(result, int):
            if abs(result) > LARGEST_INTEGER:
                raise TemplateError(f"{left!r} {operator} {right!r} is too large an integer")
        elif isinstance(result, complex) or not math.isfinite(result):
            raise TemplateError(f"{left!r} {operator} {right!r} is not a finite number")
        return result
