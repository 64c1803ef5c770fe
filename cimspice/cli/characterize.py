"""``cimspice characterize``: run a campaign file, and leave table and figures in a run folder."""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.cli.completion import campaigns_and_families
from cimspice.cli.families import characterise_family
from cimspice.families import with_card
from cimspice.screen.failure import FAILED
from cimspice.screen.output import JsonFlag, console, print_json, say
from cimspice.screen.progress import Mode, shown
from cimspice.screen.validation_output import usable

if TYPE_CHECKING:
    from cimspice.campaign import Result, Specification
    from cimspice.campaign.adaptive import Outcome
    from cimspice.campaign.cluster import Cluster
    from cimspice.campaign.environment import Environment
    from cimspice.campaign.limits import LimitResult, Yield
    from cimspice.campaign.load import Record
    from cimspice.cli.campaign_fit import CampaignFits

LIMITS_MISSED = 3  # exit code: every point is done, and not all keep the limits


def characterize(
    spec: Annotated[
        str,
        typer.Argument(
            help="A campaign file, the name of one that comes with cimspice, or a family (neuron, sram) "
            "whose card is made.",
            autocompletion=campaigns_and_families,
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Take the place of what the file says; may be repeated."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="RUN", help="Run folder; default: runs/NAME.")
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Card of a family; with its corner and temperature if several."),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(help="Of the family neuron: sizes of networks that the card is for; default: 5,5,5."),
    ] = None,
    synapse: Annotated[
        str | None, typer.Option(help="Of the family neuron: mosfet (default) or resistor.")
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help='Run on this Dask scheduler (tcp://HOST:8786), or on a "local" one.'
        ),
    ] = None,
    corner: Annotated[
        list[str] | None, typer.Option(help="Corner instead of the file's; may be repeated.")
    ] = None,
    temperature: Annotated[
        list[float] | None, typer.Option(help="Temperature (degrees Celsius) instead; may be repeated.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Most that a point may take before it fails; default: 600."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be run, and run nothing.")
    ] = False,
    modules: Annotated[
        list[str] | None,
        typer.Option("--import", metavar="FILE.py", help="Python file of your own benches; may be repeated."),
    ] = None,
    include_roots: Annotated[
        list[Path] | None,
        typer.Option(
            "--include-root",
            metavar="FOLDER",
            help="Folder from which templates may include model files; may be repeated. Default: none.",
        ),
    ] = None,
    progress: Annotated[
        Mode, typer.Option(help="What is printed on stderr while it runs; auto: bars on a terminal.")
    ] = Mode.AUTO,
    json: JsonFlag = False,
) -> int:
    """Characterise a circuit: sweep a bench as a campaign file says, or make the card of a family. Finished
    points are never run again."""
    from cimspice.campaign import read_specification, run_campaign
    from cimspice.campaign.environment import Environment
    from cimspice.campaign.export import add_files, export, superseded
    from cimspice.campaign.load import read_record
    from cimspice.cli.campaign_fit import check_models, fit_campaign
    from cimspice.files import refuse_link
    from cimspice.report.adaptive_error import draw_error
    from cimspice.report.figure import draw

    if spec in with_card():
        options = {"--output": output, "--dask": dask, "--time-limit": time_limit, "--dry-run": dry_run}
        _refuse({**options, "--import": modules, "--include-root": include_roots}, f"the family {spec}")
        settings = {"layers": layers, "synapse": synapse}
        characterise_family(
            spec,
            card,
            corners=corner or [],
            temperatures=temperature or [],
            settings=[*(overrides or []), *(f"{key}={value}" for key, value in settings.items() if value)],
            jobs=jobs,
            json=json,
        )
        return 0
    _refuse({"--card": card, "--layers": layers, "--synapse": synapse}, "a campaign, which has a run folder")
    import_modules(modules or [])
    path = find_campaign(spec)
    conditions = {"corners": corner, "temperatures": temperature}
    texts = [f"{key}={list(values)!r}" for key, values in conditions.items() if values]
    texts += [] if time_limit is None else [f"failures.time_limit={time_limit!r}"]
    specification = read_specification(path, [*(overrides or []), *texts])
    check_models(specification.fits, specification.source)
    environment = Environment.detect(include_roots or ())
    if dry_run:
        _show_plan(specification, environment, json)
        return 0
    folder = usable(output or Path("runs") / path.stem)
    old = read_record(folder)
    _refuse_another(folder, old, specification.bench.name)
    with shown(progress, specification.bench.name, specification.most_points) as on_progress:
        result = run_campaign(
            specification,
            workers=jobs,
            progress=on_progress,
            environment=environment,
            engine=_cluster(dask, jobs, specification.policy.time_limit),
        )
    removed = superseded(result, folder)
    files = export(result, folder)
    figures: list[Path] = []
    if len(result.table):
        refuse_link(folder / "figures")
        for index, figure in enumerate(specification.figures):
            figures += draw(
                result.table,
                figure,
                folder / "figures",
                limits=specification.limits,
                default_name=f"figure_{index + 1}",
            )
        if result.adaptive:
            described = result.adaptive.describe()
            figures += draw_error(described, result.table.attrs["units"], folder / "figures")
    fits = fit_campaign(result.table, specification.fits, folder)
    add_files(folder, [*figures, *fits.cards])
    for problem in fits.problems:
        say(f"not fitted: {problem}")
    removed = [path for path in removed if not path.exists()]
    if old is not None and (removed or old.points != result.points):
        gone = f"; removed with it: {', '.join(str(path.relative_to(folder)) for path in removed)}"
        say(f"the run of {old.points} points that {folder} held is replaced{gone if removed else ''}")
    _show(result, files["parquet"], figures, fits, removed, json)
    if result.failed or fits.problems:
        return FAILED
    return LIMITS_MISSED if result.overall and not result.overall.kept else 0


def _refuse(options: Mapping[str, object], what: str) -> None:
    from cimspice.errors import ParameterError

    for name, value in options.items():
        if value:
            raise ParameterError(f"{name} does not go with {what}", place=name, remedy="leave it out")


def _refuse_another(folder: Path, old: Record | None, bench: str) -> None:
    """Leave the run of another circuit as it is."""
    from cimspice.errors import ParameterError

    if old is not None and old.campaign.bench not in ("", bench):
        raise ParameterError(
            f"the folder holds a run of the bench {old.campaign.bench}, not of {bench}",
            place=str(folder),
            remedy="name another folder with --output, or remove that run first",
        )


def _cluster(address: str | None, jobs: int | None, time_limit: float) -> Cluster | None:
    if address is None:
        return None
    from cimspice.campaign.cluster import LOCAL, Cluster
    from cimspice.errors import ParameterError

    if jobs is not None and address != LOCAL:
        raise ParameterError(
            f"--jobs {jobs} says nothing of another machine's workers",
            place="--dask",
            remedy="leave it out: all workers of the cluster are used",
        )
    return Cluster(address, workers=jobs, time_limit=time_limit)


def find_campaign(name: str) -> Path:
    """Path of a campaign file: one that exists, or a packaged one by its name."""
    from cimspice.errors import ParameterError
    from cimspice.families import campaigns

    path = Path(name)
    if path.stem in with_card():
        raise ParameterError(
            f"{path.stem} is a family of circuits: no campaign may bear its name",
            place=name,
            remedy="rename the file",
        )
    if path.is_file():
        return path
    packaged = campaigns()
    if name in packaged:
        return packaged[name]
    near = get_close_matches(name, packaged, n=5) or [known for known in packaged if name.lower() in known]
    raise ParameterError(
        f"there is no campaign file {name!r}",
        place=str(path.absolute()),
        remedy=f"give a path, or a name of `cimspice list campaigns`{': ' * bool(near)}{', '.join(near)}",
    )


def import_modules(files: Iterable[str]) -> None:
    """Import Python files named on the command line, so that the benches in them are known.

    A campaign file cannot name any: it may come from a stranger. The file's folder is put on Python's path,
    where workers find it too.

    ParameterError if there is no such file, its name is no module's, or another module of that name is
    loaded.
    """
    from cimspice.errors import ParameterError
    from cimspice.own_code import line_of

    for name in files:
        path = Path(name).resolve()
        if not path.is_file() or path.suffix != ".py" or not path.stem.isidentifier():
            raise ParameterError(
                f"there is no Python file {name!r}", place="--import", remedy="give the path of a module.py"
            )
        sys.path.insert(0, str(path.parent))
        try:
            module = importlib.import_module(path.stem)
        except Exception as error:  # the user's own code: whatever it raises is reported as what it is
            raise ParameterError(
                f"the file cannot be imported: {type(error).__name__}: {error}",
                place=line_of(error) or str(path),
                remedy="correct it",
            ) from error
        if Path(module.__file__ or "").resolve() != path:
            raise ParameterError(
                f"another module is named {path.stem!r}", place=str(path), remedy="rename your file"
            )


def _show_plan(specification: Specification, environment: Environment, json: bool) -> None:
    from cimspice.campaign.plan import Plan
    from cimspice.campaign.store import Store
    from cimspice.campaign.table import batches, finished

    plan = Plan(specification, environment)
    if specification.adaptive:
        _show_choice(specification, environment, json)
        return
    with Store() as store:
        keep = specification.keep.vectors
        cached = sum(len(finished(points, store, specification.policy, keep)) for points in batches(plan))
        each = store.mean_cpu_seconds(specification.bench.name)
    facts: dict[str, Any] = {
        "bench": specification.bench.name,
        "title": specification.title,
        "points": len(plan),
        "cached": cached,
        "to_run": len(plan) - cached,
        "cpu_seconds": None if each is None else each * (len(plan) - cached),
        **_origin(specification, environment.provenance()),
    }
    if json:
        print_json(facts)
        return
    estimate = "unknown (none was run before)" if each is None else f"about {facts['cpu_seconds']:.2g} CPU s"
    counts = f"{len(plan)} points, {cached} finished before, {len(plan) - cached} to run"
    console().print(f"{facts['title']}\n{counts}: {estimate}", markup=False)


def _show_choice(specification: Specification, environment: Environment, json: bool) -> None:
    """What an adaptive campaign may cost: which points it takes is not known before."""
    from cimspice.campaign.store import Store

    with Store() as store:
        each = store.mean_cpu_seconds(specification.bench.name)
    most, grid = specification.most_points, specification.points
    facts = {
        "bench": specification.bench.name,
        "title": specification.title,
        "most_points": most,
        "grid_points": grid,
        "most_cpu_seconds": None if each is None else each * most,
        **_origin(specification, environment.provenance()),
    }
    if json:
        print_json(facts)
        return
    cost = "unknown (none was run before)" if each is None else f"at most about {each * most:.2g} CPU s"
    counts = f"chooses its points, at most {most} of the grid's {grid}"
    console().print(f"{specification.title}\n{counts}: {cost}", markup=False)


def _origin(specification: Specification, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Seed, conditions and versions, under the names that they have in the ``--json`` of every command."""
    drawn = specification.monte_carlo or specification.adaptive
    return {
        "seed": drawn.seed if drawn else None,
        "corner": specification.corners,
        "temperature": specification.temperatures,
        "provenance": provenance,
    }


def _show(
    result: Result, table: Path, figures: list[Path], fits: CampaignFits, removed: list[Path], json: bool
) -> None:
    from cimspice.campaign.export import describe_counts

    if result.failures:
        point, record = result.failures[0]
        conditions = ", ".join(f"{name} = {value}" for name, value in point.given.items())
        say(f"{result.failed} of {result.points} points failed; the first, at {conditions}, {point.corner}:")
        say(f"{record.error}: {record.message}")
    if result.stopped:
        left = result.points - result.done - result.failed
        say(f"stopped after {result.failed} failed points, as [failures] asks; {left} points were not run")
    if result.relaxed:
        say(f"{result.relaxed} points converged with relaxed options only (column relaxed)")
    if result.adaptive and not json:
        say(_choice_line(result.adaptive))
    if json:
        print_json(
            {
                **describe_counts(result),
                "adaptive": result.adaptive and result.adaptive.describe(),
                "table": table,
                "figures": figures,
                "cards": fits.cards,
                "not_fitted": fits.problems,
                "removed": removed,
                **_origin(result.plan.specification, result.table.attrs["provenance"]),
            }
        )
        return
    counts = f"{result.done} of {result.points} points ({result.cached} finished before)"
    console().print(f"{counts} in {result.seconds:.2f} s", markup=False)
    for limit in result.limits:
        console().print(_limit_line(limit), markup=False)
    if len(result.limits) > 1 and result.overall:
        console().print(f"all limits: {_yield_text(result.overall)}", markup=False)
    for path in (table, *figures, *fits.cards):
        console().print(f"  {path}", markup=False)
    console().print(f"see it as one page: cimspice report {shlex.quote(str(table.parent))}", markup=False)


def _choice_line(outcome: Outcome) -> str:
    from cimspice.report.adaptive_error import missed

    last = outcome.history[-1] if outcome.history else None
    unit = " (of the value)" if outcome.settings.scale == "log" else ""
    found = f"error {last.rms:.3g}{unit}, at most {last.largest:.3g}" if last else "no fit"
    verdict = f"reached, checked at {outcome.checked} more points" if outcome.reached else "not reached"
    target = f"target {outcome.settings.target:g} {verdict}"
    return f"fit of {outcome.settings.column}: {found}; {target}. {missed(outcome.unseen_width)}"


def _limit_line(result: LimitResult) -> str:
    limit = result.limit
    stated = {"min": limit.minimum, "typ": limit.typical, "max": limit.maximum}
    bounds = ", ".join(f"{name} {value:g}" for name, value in stated.items() if value is not None)
    unit = f" {limit.unit}" if limit.unit else ""
    spread = f"{result.smallest:g} to {result.largest:g}, median {result.median:g}"
    return f"{limit.column} ({bounds}{unit}): {spread}{unit}; {_yield_text(result.result)}"


def _yield_text(result: Yield) -> str:
    where, worst = result.worst
    if not result.conditions:
        return f"{worst.passed} of {worst.count} points pass"
    low, high = worst.interval
    share = f"{worst.passed} of {worst.count} samples pass"
    bounds = f"{worst.fraction:.2%}, between {low:.2%} and {high:.2%} with 95 %"
    if len(result.conditions) == 1:
        return f"{share}: {bounds}"
    place = ", ".join(f"{name} = {value}" for name, value in where.items())
    everywhere = f"{result.everywhere.passed} of {result.everywhere.count} under all"
    return f"{share} under the worst of {len(result.conditions)} conditions ({place}): {bounds}; {everywhere}"
