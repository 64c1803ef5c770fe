"""``cimspice report``: one HTML page that shows a run."""

from pathlib import Path
from typing import Annotated

import typer

from cimspice.screen.output import JsonFlag, console, print_json, say


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that `cimspice characterize` left.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: report.html in the run folder."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Show a run as one HTML page: limits, curves, fits, distributions, corners, failures. Works offline."""
    from cimspice.campaign.export import describe_yield
    from cimspice.report.page import write_page

    page = write_page(run, output)
    for problem in page.problems:
        say(f"not shown: {problem}")
    if json:
        print_json(
            {
                "report": page.path,
                "bytes": page.size,
                "figures": page.figures,
                "rows": page.rows,
                "failed": page.failed,
                "cards": page.cards,
                "limits": [
                    {
                        "column": verdict.limit.column,
                        "minimum": verdict.limit.minimum,
                        "maximum": verdict.limit.maximum,
                        "rows": verdict.rows,
                        "passed": verdict.passed,
                        "holds": verdict.holds,
                    }
                    for verdict in page.verdicts
                ],
                "yields": [
                    {**where, "passed": share.passed, "samples": share.count, "yield": share.fraction,
                     "interval": share.interval}
                    for where, share in (page.yields.conditions if page.yields else ())
                ],
                "yield": page.yields and describe_yield(page.yields),
                "problems": page.problems,
                **page.origin,
            }
        )  # fmt: skip
        return
    console().print(f"{page.path} ({page.figures} figures, {page.size / 1e6:.1f} MB)", markup=False)
