"""Adaptive campaigns: fit, run the points where the fit is least certain, fit again, until it is good enough.

Points are those of an ordinary campaign and lie in the same store. Which are chosen follows from the results
of those before and the seed alone: a campaign that was killed chooses the same ones again, finds them done,
and goes on.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from cimspice.campaign.adaptive_settings import Adaptive
from cimspice.campaign.choice import choose
from cimspice.campaign.gaussian_process import GaussianProcess, fit_hyperparameters
from cimspice.campaign.hyperparameters import Hyperparameters, Samples
from cimspice.campaign.lattice import Lattice
from cimspice.campaign.plan import Plan
from cimspice.campaign.runner import Engine, Runner
from cimspice.campaign.selection import Place, Selection
from cimspice.campaign.store import Store
from cimspice.campaign.table import batches, recorded
from cimspice.campaign.unseen import unseen_places, unseen_width
from cimspice.errors import SimulationError, TableError
from cimspice.progress import OnProgress, Progress

CANDIDATES = 1500
_MOST_SEARCHED = 800  # points that the hyperparameters are sought on: the time grows with their cube
_GROWTH = 1.2  # they are sought anew when there are so many times more points
_UNSURE = 250  # up to so many points from more starts than the last ones: later they are near enough
_ROUNDS_ON_TARGET = 2  # one alone may be luck


@dataclass(frozen=True)
class Round:
    """One fit: simulations so far, held-out ones included; rms and largest error on the held-out points (of
    the last round also on those of the check); the rms error that the fit expects of itself where points may
    still be chosen.
    """

    points: int
    rms: float
    largest: float
    expected: float


@dataclass(frozen=True)
class Outcome:
    """What an adaptive campaign came to."""

    settings: Adaptive
    history: list[Round]
    """One entry per fit."""
    reached: bool
    """Whether the target was met, on the held-out points and then on those of a check."""
    grid: int
    """Points of the whole grid."""
    checked: int
    """Points of that check; 0 if there was none."""
    unseen_width: float
    """Fraction of every axis's range: a feature as narrow as this may lie where nothing was simulated."""

    def describe(self) -> dict[str, Any]:
        """Fit for JSON."""
        return {
            **self.settings.model_dump(),
            "grid_points": self.grid,
            "reached": self.reached,
            "checked": self.checked,
            "unseen_width": self.unseen_width,
            "history": [vars(entry) for entry in self.history],
        }


@dataclass
class _Shared(AbstractContextManager):
    """An engine that is opened when first used, and once only."""

    engine: AbstractContextManager[Engine]
    stack: ExitStack
    running: Engine | None = None

    def __enter__(self) -> Engine:
        if self.running is None:
            self.running = self.stack.enter_context(self.engine)
        return self.running

    def __exit__(self, *_: object) -> None:
        return None


@dataclass
class Search:
    """The state of one adaptive campaign: what was run, and what is known."""

    plan: Plan
    """The whole grid."""
    store: Store
    progress: OnProgress
    workers: int
    watch: Callable[[int, GaussianProcess], object] | None = None
    """Called with the number of simulations and the fit, after every fit."""
    done: int = 0
    cached: int = 0
    failed: int = 0
    relaxed: int = 0
    """``done``, ``cached``, ``failed``, ``relaxed``: counts over all that was chosen."""
    stopped: bool = False
    chosen: list[Place] = field(default_factory=list)
    history: list[Round] = field(default_factory=list)

    def __post_init__(self) -> None:
        specification = self.plan.specification
        assert specification.adaptive is not None  # who calls has looked
        self.settings = specification.adaptive
        self.lattice = Lattice.of(specification)
        self.budget = min(self.settings.budget, self.lattice.points)
        self._known: dict[Place, np.ndarray] = {}
        self._held_out: list[Place] = []
        self._check: list[Place] = []
        self._reached = False
        self._process: GaussianProcess | None = None
        self._searched = 0
        self._numbers: Hyperparameters | None = None

    def run(self, engine: AbstractContextManager[Engine]) -> Outcome:
        """Choose and run points until the target is met, the budget spent, or too many points have failed.

        Where held-out points say that it is met, the fit is checked at as many places that are far from all
        points so far, and at the ends of the axes. Is it wrong there, these points are fitted too, and it
        goes on.
        """
        settings = self.settings
        with ExitStack() as stack, threadpool_limits(1):  # one thread: the workers have the others
            shared = _Shared(engine, stack)
            self._held_out = self.lattice.scatter(settings.held_out, (settings.seed, 0), set())
            self._simulate(self._held_out, shared)
            first = settings.first(len(self.lattice.inputs), self.lattice.categories)
            wanted = self.lattice.spread(
                min(first, self.budget - len(self.chosen)), settings.seed, set(self.chosen)
            )
            while wanted and not self.stopped:
                self._simulate(wanted, shared)
                wanted = [] if self.stopped else self._next()
            self.budget = len(self.chosen)
            self._report_progress(Progress(0, 0, 0, 0))  # no more are wanted
        checked = len(self._check) if self._reached else 0
        width = unseen_width(self.lattice, self._known, (settings.seed, 1))
        return Outcome(settings, self.history, self._reached, self.lattice.points, checked, width)

    @property
    def selection(self) -> Selection:
        """All points that were chosen."""
        return Selection.of(self.plan, self.chosen)

    @property
    def _on_target(self) -> bool:
        last = self.history[-_ROUNDS_ON_TARGET:]
        return len(last) == _ROUNDS_ON_TARGET and all(entry.rms <= self.settings.target for entry in last)

    def _simulate(self, places: list[Place], engine: _Shared) -> None:
        selection = Selection.of(self.plan, places)
        runner = Runner(selection, self.store, self._report_progress, self.workers)
        runner.run(engine)
        self.done, self.cached = self.done + runner.done, self.cached + runner.cached
        self.failed, self.relaxed = self.failed + runner.failed, self.relaxed + runner.relaxed
        self.chosen += places
        most = self.plan.specification.policy.stop_after
        self.stopped = runner.stopped or (most is not None and self.failed >= most)
        self._read(selection)

    def _report_progress(self, state: Progress) -> None:
        counts = {name: getattr(state, name) + getattr(self, name) for name in ("done", "cached", "failed")}
        self.progress(replace(state, points=self.budget, relaxed=state.relaxed + self.relaxed, **counts))

    def _read(self, selection: Selection) -> None:
        """Take the column of what is done."""
        specification, column = self.plan.specification, self.settings.column
        for points in batches(selection):
            for point, record, _ in recorded(points, self.store, specification.policy):
                if record.rows is None:
                    continue
                self._known[selection.places[point.index]] = self._checked(record.rows[column], point.given)

    def _checked(self, values: list[Any], given: dict[str, Any]) -> np.ndarray:
        column, place = self.settings.column, f"[adaptive], column {self.settings.column!r}, at {given}"
        try:
            numbers = np.array(values, dtype=float)
        except (TypeError, ValueError) as error:
            raise TableError(f"column {column!r} holds no numbers", place=place) from error
        if not np.isfinite(numbers).all() or (self.settings.scale == "log" and numbers.min() <= 0):
            raise TableError(
                f"{numbers[~(numbers > 0)][:1]} has no logarithm"
                if np.isfinite(numbers).all()
                else "a value is not finite",
                place=place,
                remedy='use scale = "linear", or sweep where the column is positive',
            )
        lengths = {len(known) for known in self._known.values()}
        if lengths and lengths != {len(numbers)}:
            raise TableError(
                f"points have {lengths.pop()} and {len(numbers)} rows",
                place=place,
                remedy="an adaptive campaign needs the same rows at every point: fix what is swept inside it",
            )
        return numbers

    def _next(self) -> list[Place]:
        """Where to simulate next; nowhere if the target is met or the budget spent."""
        if self._check and self._process is not None:
            errors = self._errors(self._process, self._check)
            if len(errors) and _rms(errors) <= self.settings.target:
                both = np.concatenate([errors, self._errors(self._process, self._held_out)])
                self._note(both, self.history[-1].expected)
                self._reached = True
                return []
            self._check = []  # known from now on
        return self._round()

    def _round(self) -> list[Place]:
        """Fit, judge the fit, and say where to simulate next."""
        away = set(self._held_out)
        fitted = [place for place in self.chosen if place in self._known and place not in away]
        if len(fitted) < 4 or sum(place in self._known for place in away) < 4:
            raise SimulationError(
                f"{self.failed} of {len(self.chosen)} points failed: too few are left to fit",
                place=self.plan.specification.source,
                remedy="look at why they fail: run the same grid without [adaptive] on a few values",
            )
        settings, process = self.settings, self._fit(fitted)
        self._process = process
        if self.watch is not None:
            self.watch(len(self.chosen), process)
        left = self.budget - len(self.chosen)
        seed = (settings.seed, len(self.chosen))
        candidates = self.lattice.scatter(CANDIDATES, seed, set(self.chosen))
        picked, expected = choose(
            process, self.lattice.samples(candidates), settings.sensitivity, min(settings.batch, left)
        )
        self._note(self._errors(process, self._held_out), expected)
        if not self._on_target:
            return [candidates[k] for k in picked]
        self._check = unseen_places(self.lattice, self.chosen, min(settings.held_out, left), seed)
        self._reached = len(self.chosen) == self.lattice.points  # nothing is left to check
        return self._check

    def _errors(self, process: GaussianProcess, places: Sequence[Place]) -> np.ndarray:
        """Errors of a fit at those of some places that did not fail."""
        judged = [place for place in places if place in self._known]
        if not judged:
            return np.empty(0)
        predicted = self.settings.restored(process.predict(self.lattice.samples(judged)))
        return np.ravel(self.settings.errors(predicted, np.stack([self._known[place] for place in judged])))

    def _note(self, errors: np.ndarray, expected: float) -> None:
        self.history.append(Round(len(self.chosen), _rms(errors), float(np.max(np.abs(errors))), expected))

    def _fit(self, places: Sequence[Place]) -> GaussianProcess:
        samples = self.lattice.samples(places)
        values = self.settings.transformed(np.stack([self._known[place] for place in places]))
        if self._numbers is None or len(places) >= _GROWTH * self._searched:
            starts = Hyperparameters.starts(samples.inputs.shape[1], self.lattice.categories)
            if self._numbers is not None:  # the last ones, and each time another start
                another = starts[len(self.history) % len(starts)]
                starts = [self._numbers, another] if len(places) <= _UNSURE else [self._numbers]
            few = np.random.default_rng(self.settings.seed).permutation(len(places))[:_MOST_SEARCHED]
            some = Samples(samples.inputs[few], samples.category[few])
            self._numbers, self._searched = fit_hyperparameters(some, values[few], starts), len(places)
        return GaussianProcess(samples, values, self._numbers)


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))
