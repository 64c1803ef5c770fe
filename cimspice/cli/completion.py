"""Names that a shell completes (``cimspice --install-completion``); imported when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable

import typer


def campaigns_and_families(incomplete: str) -> list[str]:
    """What ``characterize`` takes by name."""
    from cimspice.families import campaigns, with_card

    return _beginning(incomplete, [*with_card(), *campaigns()])


def benches(incomplete: str) -> list[str]:
    """Benches of all families."""
    return _beginning(incomplete, _listed("benches"))


def models(incomplete: str) -> list[str]:
    """What ``fit --model`` takes."""
    from cimspice.fit.named import SYNONYMS, recipes

    return _beginning(incomplete, [*SYNONYMS, *recipes()])


def listed(context: typer.Context, incomplete: str) -> list[str]:
    """Words after ``list``: a kind, or a name of that kind."""
    from cimspice.cli.list import SOURCES

    given = context.params.get("words") or []
    return _beginning(incomplete, _listed(given[0]) if given and given[0] in SOURCES else SOURCES)


def _listed(kind: str) -> list[str]:
    from cimspice.cli.list import SOURCES

    return [name for name, _ in SOURCES[kind]()]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
