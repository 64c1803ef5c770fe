"""Families of circuits: ours, and those of other packages, which name theirs as entry points.

A package that brings a family says so in its ``pyproject.toml``::

    [project.entry-points."cimspice.families"]
    edram = "edram_family"

A family is a package with rooms: ``circuit`` (its benches), ``model`` (what fits are asked for by name),
``commands`` (its part of the command line), ``family`` (the functions of :class:`Family`), and a folder
``characterize`` with its campaigns. One that it lacks is left out; so is a family of another package whose
import fails, with a warning.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

from cimspice.errors import CimspiceError, ParameterError
from cimspice.resources import data_directory

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card
    from cimspice.fit.table_fit import FitOptions
    from cimspice.pdk import Conditions
    from cimspice.progress import OnProgress

_OURS = ("converter", "crossbar", "hybrid", "neuron", "rram", "sram")
_GROUP = "cimspice.families"
_FAMILY = "family"


class Family(Protocol):
    """What a family's module ``family`` has: who makes its card, and who puts measured curves into it, which
    may be left out.
    """

    def characterise(
        self, conditions: Conditions, *, jobs: int | None, progress: OnProgress, **settings: Any
    ) -> Card:
        """The family's card under these conditions; ``settings`` are its own keywords, given with ``--set``
        on the command line."""
        ...

    def check(self, card: Card) -> None:
        """CimspiceError if the card does not make the family's model."""
        ...

    def measured(self, card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
        """The card with a measured curve in the place of a part, the part's name, and remarks to print."""
        ...


@lru_cache(maxsize=1)
def families() -> dict[str, str]:
    """Package of every family, by the family's name; not of those that are left out."""
    others = {point.name: point.value for point in entry_points(group=_GROUP)}
    return dict(sorted({**others, **{name: f"cimspice.{name}" for name in _OURS}}.items()))


def use_room(room: str, use: Callable[[ModuleType], None]) -> None:
    """Import the module or package of this name of every family that has it, and hand it to ``use``. A family
    of another package for which that fails is left out from then on."""
    for name, package in list(families().items()):
        try:
            if _is_there(f"{package}.{room}"):
                use(importlib.import_module(f"{package}.{room}"))
            elif not _is_there(package):
                raise ModuleNotFoundError(f"No module named {package!r}")
        except (Exception, SystemExit) as error:
            if name in _OURS:
                raise
            _leave_out(name, error)


def _leave_out(name: str, error: BaseException) -> None:
    """Forget a family of another package, with a warning in one line."""
    del families()[name]
    origins = [point.dist for point in entry_points(group=_GROUP, name=name)]
    package = next((origin.name for origin in origins if origin), name)
    why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    warnings.warn(
        f"the family {name} of the package {package} cannot be imported and is left out ({why}); update it "
        f"(pip install --upgrade {package}) or remove it (pip uninstall {package})",
        stacklevel=3,
    )


def import_room(room: str) -> None:
    """Import a room of every family with all modules in it, so that what they register is known."""

    def import_all(found: ModuleType) -> None:
        for module in pkgutil.walk_packages(getattr(found, "__path__", []), f"{found.__name__}."):
            importlib.import_module(module.name)

    use_room(room, import_all)


def with_card() -> list[str]:
    """Names of the families that have a card."""
    return [name for name, package in families().items() if _is_there(f"{package}.{_FAMILY}")]


def family(name: str) -> Family:
    """The functions of a family that has a card. ParameterError if there is none of this name."""
    if name not in with_card():
        raise ParameterError(
            f"there is no family {name!r}"[:200], place="card", remedy=f"use one of {', '.join(with_card())}"
        )
    return cast(Family, importlib.import_module(f"{families()[name]}.{_FAMILY}"))


def read_card(file: str | Path, of: str | None = None) -> Card:
    """A card whose figures are those of its data, of this family if one is named.

    CimspiceError, naming the file.
    """
    from cimspice.fit.card import MODEL, ModelCard
    from cimspice.fit.family_card import Card

    card = Card.load(file, of)
    try:
        if card.family == MODEL:
            ModelCard.of(card)
        else:
            family(card.family).check(card)
    except CimspiceError as error:
        error.place = f"{file}: {error.place}" if error.place else str(file)
        raise
    return card


def campaigns() -> dict[str, Path]:
    """Campaign files by name: those that come with cimspice, and ``characterize/`` in the packages of other
    families."""
    specs = [_spec(package) for name, package in families().items() if name not in _OURS]
    places = [place for spec in specs if spec for place in spec.submodule_search_locations or ()]
    folders = [*(Path(place) / "characterize" for place in places), data_directory("characterize")]
    files = [file for folder in folders for file in folder.rglob("*.toml")]
    return dict(sorted((file.stem, file) for file in files))


def _is_there(module: str) -> bool:
    return _spec(module) is not None


def _spec(module: str) -> ModuleSpec | None:
    """Where a module lies, found without importing the packages around it."""
    parent = module.rpartition(".")[0]
    if not parent:
        return importlib.util.find_spec(module)
    above = _spec(parent)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(module, above.submodule_search_locations)
