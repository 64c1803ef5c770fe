"""What holds for every static figure, whoever draws it."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.figure import Figure as Canvas
from matplotlib.transforms import Bbox


def check_figure(canvas: Canvas) -> None:
    """Ticks are plain text that can be read, and no legend lies on data or over the edge.

    Raises
    ------
    AssertionError
        Naming what is wrong.
    """
    sheet = canvas.bbox
    areas = [axes.get_window_extent() for axes in canvas.axes]
    legends = [*canvas.legends, *(axes.get_legend() for axes in canvas.axes if axes.get_legend())]
    for legend in legends:
        box = legend.get_window_extent()
        words = [text.get_text() for text in legend.get_texts()]
        assert not any(_overlap(box, area) for area in areas), f"the legend {words} lies on the axes"
        assert max(box.x1 - sheet.x1, box.y1 - sheet.y1) < 1, f"the legend {words} is cut off"
    for axes in canvas.axes:
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
            box = text.get_window_extent()
            cut = max(sheet.x0 - box.x0, sheet.y0 - box.y0, box.x1 - sheet.x1, box.y1 - sheet.y1)
            assert not text.get_text() or cut < 1, f"{text.get_text()!r} is cut off"
        for axis in (axes.xaxis, axes.yaxis):
            ticks = [text for text in axis.get_ticklabels(which="both") if text.get_text()]
            ticks = [text for text in ticks if text.get_visible() and _inside(axis, text)]
            assert not any("$" in text.get_text() or "1e" in text.get_text() for text in ticks), [
                text.get_text() for text in ticks
            ]
            boxes = sorted((text.get_window_extent() for text in ticks), key=lambda box: (box.x0, box.y0))
            assert not any(_overlap(one, other) for one, other in pairwise(boxes)), [
                text.get_text() for text in ticks
            ]


def _inside(axis, text) -> bool:
    low, high = sorted(axis.get_view_interval())
    return low <= text.get_position()[axis.axis_name == "y"] <= high


def _overlap(one: Bbox, other: Bbox) -> bool:
    both = Bbox.intersection(one, other)
    return both is not None and min(both.width, both.height) > 1
