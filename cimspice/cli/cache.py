"""``cimspice cache``: what the store of finished points holds, and how to make it smaller."""

from typing import Annotated

import typer

from cimspice.cli.completion import benches
from cimspice.screen.output import JsonFlag, console, print_json, say

app = typer.Typer(help="The store of finished points: show it, prune it.", no_args_is_help=True)


@app.command()
def show(json: JsonFlag = False) -> None:
    """Where it is, its size, and for each bench: points, CPU time they took, oldest and newest."""
    from cimspice.campaign import Store

    with Store() as store:
        path, size, holdings = store.path, store.size, store.holdings()
    if json:
        print_json({"path": path, "bytes": size, "benches": holdings})
        return
    from rich.table import Table

    console().print(f"{path}: {size / 1e6:.1f} MB, {sum(h.done for h in holdings)} points", markup=False)
    table = Table("bench", "done", "failed", "CPU time", "oldest (UTC)", "newest (UTC)", box=None)
    for held in holdings:
        hours = f"{held.cpu_seconds / 3600:.2f} h" if held.cpu_seconds > 3600 else f"{held.cpu_seconds:.1f} s"
        table.add_row(held.bench, str(held.done), str(held.failed), hours, held.oldest[:16], held.newest[:16])
    console().print(table)


@app.command()
def prune(
    older_than: Annotated[
        float | None, typer.Option("--older-than", metavar="DAYS", min=0, help="Points recorded before that.")
    ] = None,
    bench: Annotated[str | None, typer.Option(help="Points of this bench.", autocompletion=benches)] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Failed points.")] = False,
    outdated: Annotated[
        bool, typer.Option("--outdated", help="Points of an older cimspice, which are not used any more.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All points.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
    json: JsonFlag = False,
) -> None:
    """Remove points for good: those that all the given options hold for. They have to be simulated again."""
    from cimspice.campaign import Store
    from cimspice.errors import ParameterError

    if everything == (older_than is not None or bench is not None or failed or outdated):
        raise ParameterError(
            "say which points, or --all of them",
            place="cache prune",
            remedy="give --older-than, --bench, --failed, --outdated or several of these; or --all alone",
        )
    with Store() as store:
        before = store.size
        removed = store.prune(
            older_than_days=older_than, bench=bench, failed=failed, outdated=outdated, dry_run=dry_run
        )
        freed = before - store.size
    if json:
        print_json({"points": removed, "bytes": freed, "dry_run": dry_run})
    else:
        say(f"{removed} points {'would be' if dry_run else 'are'} removed, {freed / 1e6:.1f} MB freed")
