"""``cimspice train hybrid --front``: which column to build."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cimspice.screen.output import console, print_json
from cimspice.screen.validation_output import usable, write_report


def columns_to_build(
    network: str, seeds: int, epochs: int, seed: int, jobs: int | None, output: Path | None, *, json: bool
) -> None:
    """Accuracy against energy of all columns: report.json and a page."""
    import os

    from cimspice.campaign.versions import provenance
    from cimspice.hybrid.front import front
    from cimspice.hybrid.report.front import write_front_page
    from cimspice.hybrid.training.train import Schedule
    from cimspice.screen.stages import Stages

    folder = usable(output or Path("runs") / "train-hybrid-front")
    with Stages(quiet=json) as stages:
        found = front(
            network,
            seeds=range(seed, seed + seeds),
            schedule=Schedule(epochs=epochs),
            jobs=jobs or os.cpu_count() or 1,
            progress=stages,
        )
    facts = {
        **found.facts(),
        "network": network,
        "epochs": epochs,
        "seed": seed,
        "corner": "tt",
        "temperature": 27.0,
        "provenance": provenance(),
    }
    page = write_front_page(facts, folder)
    facts["files"] = {path.name: str(path) for path in (page, folder / "report.json")}
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        _show(facts)
        console().print(f"  {page}", markup=False)


def _show(facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("  column", "fJ a read", "right on chips %", "95 %", "on the front"):
        table.add_column(heading, justify="left" if heading.startswith("  ") else "right")
    for name, one in sorted(facts["columns"].items(), key=lambda each: each[1]["energy"]):
        right, between = one["accuracy"], one["accuracy"]["interval"]
        table.add_row(
            f"  {name}",
            f"{1e15 * one['energy']:.0f}",
            f"{100 * right['value']:.2f}",
            "" if between is None else f"{100 * between[0]:.1f} to {100 * between[1]:.1f}",
            "yes" if name in facts["front"] else "",
        )
    screen = console()
    ideal = 100 * facts["accuracy_ideal"]["value"]
    screen.print(
        f"[bold]{facts['network']}[/], {facts['seeds']} splits: ideal sums {ideal:.2f} %; the layer that "
        f"loses most by comparators is {next(iter(facts['sensitivity']))}"
    )
    screen.print(table)
