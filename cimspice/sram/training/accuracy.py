"""How well Iris is learnt on chip: against software, what each non-ideality costs, and what mismatch does to
weights that are learnt elsewhere and transferred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.stats import t as student

from cimspice.arrays import Array, checked_count, checked_number
from cimspice.progress import OnProgress, Progress, silent
from cimspice.sram.emulator.learning import LearningRule
from cimspice.sram.mapping.format import WordFormat
from cimspice.sram.training.chip import TITLES, ChipFamily, Effects
from cimspice.sram.training.lessons import accuracy, learn
from cimspice.sram.training.software import SoftwareNetwork
from cimspice.training.iris_folds import Folds, iris_folds

FORMATS = {4: (4, 1, 1), 6: (3, 2, 3), 8: (4, 2, 1)}
"""Slice bits, slices and largest error of words of so many bits."""


@dataclass(frozen=True)
class Lessons:
    """How everything is trained."""

    sizes: tuple[int, ...] = (4, 3)
    """Features, and neurons of each layer."""
    epochs: int = 30
    decay: float = 0.9
    """``epochs``, ``decay``: passes, and factor of the rates from one to the next."""
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    folds: int = 5
    """``seeds``, ``folds``: splits: every fold of every seed is a learner of its own."""
    rule: LearningRule = field(default_factory=LearningRule)
    """The digital part."""
    seed: int = 0
    """Of initial weights, order, mismatch and noise."""

    def __post_init__(self) -> None:
        for neurons in self.sizes:
            checked_count("sizes", neurons, place="Lessons")
        for name, low in (("epochs", 0), ("folds", 2), ("seed", 0)):
            checked_count(name, getattr(self, name), low=low, place="Lessons")
        checked_number("decay", self.decay, above=0, high=1, place="Lessons")

    def splits(self, learners: int | None = None) -> Folds:
        """The folds, or as many learners on them as asked for."""
        found = iris_folds(self.seeds, folds=self.folds)
        return found if learners is None else found.repeated(learners)

    def in_software(self, splits: Folds) -> SoftwareNetwork:
        """Real weights, trained."""
        generator = np.random.default_rng([self.seed, 3])
        network = SoftwareNetwork.drawn(len(splits), self.sizes, generator)
        network.rule = self.rule
        learn(network, splits, epochs=self.epochs, seed=self.seed, decay=self.decay)
        return network

    def on_chip(self, family: ChipFamily, splits: Folds, *, effects: Effects | None = None):
        """One chip per learner, trained."""
        network = family.network(len(splits), self.sizes, seed=self.seed, rule=self.rule, effects=effects)
        learn(network, splits, epochs=self.epochs, seed=self.seed, decay=self.decay)
        return network


@dataclass(frozen=True, eq=False)
class Row:
    """Accuracy of one kind of network over its learners, shape (learners,)."""

    name: str
    title: str
    values: Array

    def facts(self, reference: Row | None = None) -> dict[str, Any]:
        """Mean, spread and, against another row of the same learners, the paired difference with its 95 %
        interval; all in percent."""
        facts: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "mean_percent": 100 * float(self.values.mean()),
            "deviation_percent": 100 * float(self.values.std(ddof=1)),
            "learners": len(self.values),
        }
        if reference is not None:
            low, mean, high = interval(self.values - reference.values)
            facts |= {"difference_percent": 100 * mean, "interval_percent": [100 * low, 100 * high]}
        return facts


def interval(differences: Array) -> tuple[float, float, float]:
    """95 % interval of a mean (Student's t) around it: low, mean, high."""
    mean, count = float(differences.mean()), len(differences)
    half = float(student.ppf(0.975, count - 1) * differences.std(ddof=1) / np.sqrt(count))
    return mean - half, mean, mean + half


def accuracy_table(
    family: ChipFamily,
    lessons: Lessons,
    *,
    progress: OnProgress = silent,
) -> list[Row]:
    """Software, then the array without its own ways, with each alone, with all, and with all but each (and
    with those that all does not have).

    Every learner has the same flowers, order and seed in each row.
    """
    splits = lessons.splits()
    software = lessons.in_software(splits)
    rows = [Row("software", "software, real weights", accuracy(software, splits))]
    plans: list[tuple[str, str, Effects]] = [("words", f"words of {family.form.bits} bits", Effects.none())]
    plans += [
        (f"with_{name}", f"+ {title}", replace(Effects.none(), **{name: True}))
        for name, title in TITLES.items()
    ]
    plans.append(("all", "all of it", Effects()))
    for name, title in TITLES.items():
        if getattr(Effects(), name):
            plans.append((f"without_{name}", f"all but {title}", replace(Effects(), **{name: False})))
        else:
            plans.append((f"also_{name}", f"all of it and {title}", replace(Effects(), **{name: True})))
    for done, (name, title, effects) in enumerate(plans):
        progress(Progress(stage="learn Iris on chip, effect by effect", done=done, points=len(plans)))
        rows.append(Row(name, title, accuracy(lessons.on_chip(family, splits, effects=effects), splits)))
    return rows


def precision_table(family: ChipFamily, lessons: Lessons, *, bits: Sequence[int] = (4, 6, 8)) -> list[Row]:
    """All of the circuit, with words of so many bits."""
    splits, rows = lessons.splits(), []
    for number in bits:
        slice_bits, slices, largest_error = FORMATS[number]
        other = replace(family, form=WordFormat(slice_bits, slices), largest_error=largest_error)
        rows.append(
            Row(
                f"bits_{number}",
                f"words of {number} bits: {slices} of {slice_bits}, errors to {largest_error}",
                accuracy(lessons.on_chip(other, splits), splits),
            )
        )
    return rows


@dataclass(frozen=True, eq=False)
class Chips:
    """The same chips, filled in different ways; ``alike`` are chips without mismatch of cells and offset of
    converters."""

    learnt: Row
    transferred: Row
    software: Row
    alike_learnt: Row
    alike_transferred: Row

    def facts(self) -> dict[str, Any]:
        """Each row with its paired difference: transferred from software, learnt from transferred, and with
        mismatch from without (``mismatch_costs_...``)."""
        return {
            "chips": len(self.learnt.values),
            "software": self.software.facts(),
            "transferred": self.transferred.facts(self.software),
            "on_chip": self.learnt.facts(self.transferred),
            "alike_transferred": self.alike_transferred.facts(self.software),
            "alike_on_chip": self.alike_learnt.facts(self.alike_transferred),
            "mismatch_costs_transferred": self.transferred.facts(self.alike_transferred),
            "mismatch_costs_on_chip": self.learnt.facts(self.alike_learnt),
            "worst_on_chip_percent": 100 * float(self.learnt.values.min()),
            "worst_transferred_percent": 100 * float(self.transferred.values.min()),
        }


def compare_chips(
    family: ChipFamily,
    lessons: Lessons,
    *,
    chips: int = 200,
    progress: OnProgress = silent,
) -> Chips:
    """Learning on each chip against weights learnt in software and stored in the very same chip."""
    splits = lessons.splits(chips)
    software = lessons.in_software(splits)
    progress(Progress(stage=f"learn Iris on {chips} chips"))

    def rows(effects: Effects, remark: str) -> tuple[Row, Row]:
        learnt = lessons.on_chip(family, splits, effects=effects)
        transferred = family.network(
            chips,
            lessons.sizes,
            seed=lessons.seed,
            rule=lessons.rule,
            effects=effects,
            weights=software.weights,
        )
        return (
            Row("on_chip", f"learnt on the chip{remark}", accuracy(learnt, splits)),
            Row("transferred", f"learnt in software, transferred{remark}", accuracy(transferred, splits)),
        )

    learnt, transferred = rows(Effects(), "")
    alike = rows(Effects(cells=False, converter_errors=False), ", chips alike")
    return Chips(learnt, transferred, Row("software", "software", accuracy(software, splits)), *alike)
