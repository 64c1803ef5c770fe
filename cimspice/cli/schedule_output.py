"""What ``cimspice schedule`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cimspice.screen.output import console

if TYPE_CHECKING:
    from cimspice.schedule.graph import Graph
    from cimspice.schedule.placement import Elements


def table_facts(graph: Graph, elements: Elements) -> dict[str, Any]:
    """The layers of a network, and the crossbars that they need."""
    return {
        "network": graph.name,
        "input": {"channels": graph.channels, "height": graph.height, "width": graph.width},
        "layers": [
            {
                "name": node.name,
                "kind": node.kind,
                "inputs": list(node.inputs),
                "channels": node.channels,
                "height": node.height,
                "width": node.width,
                "kernel": list(node.kernel),
                "stride": list(node.stride),
                "padding": list(node.padding),
                "dilation": list(node.dilation),
                "groups": node.groups,
                "pixels": node.pixels,
                "pes": elements.count(graph, node),
            }
            for node in graph.nodes
        ],
        "pe": {
            "rows": elements.rows,
            "columns": elements.columns,
            "columns_per_weight": elements.columns_per_weight,
            "minimum": sum(elements.count(graph, node) for node in graph.base),
        },
        "layer_by_layer": {"steps": sum(node.pixels for node in graph.base if elements.uses(node))},
    }


def show_table(facts: Mapping[str, Any]) -> None:
    """The layers on stdout."""
    from rich.table import Table
    from rich.text import Text

    rows = Table(
        "layer", "kind", "reads", "map", "kernel", "stride", "padding", "crossbars", "MVMs", box=None
    )
    for one in facts["layers"]:
        window = one["kind"] in ("conv", "pool")
        cells = (
            one["name"],
            one["kind"],
            ", ".join(one["inputs"]),
            f"{one['channels']} x {one['height']} x {one['width']}",
            *(" x ".join(map(str, one[key])) if window else "" for key in ("kernel", "stride")),
            ", ".join(map(str, one["padding"])) if window else "",
            f"{one['pes']:,}" if one["pes"] else "",
            f"{one['pixels']:,}" if one["pes"] else "",
        )
        rows.add_row(*map(Text, cells))
    screen = console()
    screen.print(rows)
    screen.print(
        f"{facts['pe']['minimum']:,} crossbars of {facts['pe']['rows']} x {facts['pe']['columns']}, "
        f"{facts['layer_by_layer']['steps']:,} MVMs one layer at a time",
        markup=False,
    )


def show_schedule(facts: Mapping[str, Any]) -> None:
    """The figures on stdout."""
    screen, pe, settings = console(), facts["pe"], facts["settings"]
    crossed, serial, speedup = facts["cross_layer"], facts["layer_by_layer"], facts["speedup"]
    size = "x".join(str(facts["input"][key]) for key in ("channels", "height", "width"))
    lines = (
        f"{facts['network']}, input {size}, on {pe['present']:,} crossbars of {pe['rows']} x {pe['columns']} "
        f"with {pe['columns_per_weight']} column(s) a weight; it needs {pe['minimum']:,}, copies use "
        f"{pe['used']:,}",
        f"  sets {settings['sets']}, split {settings['split']}, objective {settings['objective']}, dense "
        f"layers {settings['dense']}d, depthwise {settings['depthwise']}, images {facts['images']}",
        f"  an MVM takes {facts['mvm_time_second']:.4g} s ({facts['card']['origin']}"
        f"{', extrapolated' * facts['card']['extrapolated']})",
        f"  one layer at a time: {serial['steps']:,} MVMs, {serial['seconds']:.4g} s, utilisation "
        f"{100 * serial['utilisation']:.3g} %; with the best copies for it {serial['best_steps']:,}",
        f"  across layers: {_steps(crossed['steps'])} MVMs, {crossed['seconds']:.4g} s, utilisation "
        f"{100 * crossed['utilisation']:.3g} %",
        f"  {speedup['over_layer_by_layer']:.2f} times as fast as one layer at a time, "
        f"{speedup['over_best_layer_by_layer']:.2f} times as with the best copies for that",
        f"  slowest layer {facts['bound']['layer']}: no order takes less than {facts['bound']['steps']:,} "
        f"MVMs, with filling and draining {facts['bound']['latency_steps']:,}; an image every "
        f"{facts['interval_second']:.4g} s",
        f"  busiest crossbars: those of {pe['busiest_layer']}, {pe['busiest_second']:.4g} s",
        f"  buffers: {facts['buffers']['peak_bytes']:,} bytes at most; energy "
        f"{facts['energy']['total_joule']:.3g} J, of it idle {facts['energy']['idle_joule']:.3g} J",
        *(
            f"  one copy more of {one['layer']} ({one['pes']} crossbars): {one['steps']:,.0f} MVMs"
            for one in facts["one_more"][:1]
        ),
        f"  replayed: {facts['replay']['mvms']:,} MVMs, {facts['replay']['missing_reads']} read what was not "
        "written",
    )
    for line in (*lines, *(f"  note: {remark}" for remark in facts["remarks"])):
        screen.print(line, markup=False)
    for one in facts["sweep"] or ():
        screen.print(
            f"  {one['extra']:,} spare, {one['split']}: {one['steps']:,.6g} MVMs, "
            f"{one['images_per_second']:.4g} images a second, {one['energy_joule']:.3g} J an image",
            markup=False,
        )
    for path in facts.get("files", {}).values():
        screen.print(f"  {path}", markup=False)


def show_runs(facts: Mapping[str, Any]) -> None:
    """Runs on a chip that is too small, on stdout."""
    screen = console()
    screen.print(
        f"{facts['network']} on {facts['pe']['present']:,} crossbars of {facts['pe']['minimum']:,} that it "
        f"needs: {len(facts['runs'])} runs for {facts['images']} images",
        markup=False,
    )
    for one in facts["runs"]:
        screen.print(
            f"  {one['layers'][0]} to {one['layers'][-1]}: {one['pes']:,} crossbars, {one['cells']:,} cells "
            f"written in {one['program_seconds']:.3g} s, {one['steps']:,.6g} MVMs",
            markup=False,
        )
    screen.print(
        f"  {facts['total_second']:.4g} s, of it {facts['program']['seconds']:.4g} s programming; "
        f"{facts['image_second']:.4g} s an image; programming takes {facts['program']['joule']:.3g} J",
        markup=False,
    )


def _steps(steps: float) -> str:
    return f"{steps:,}" if isinstance(steps, int) else f"{steps:,.2f}"
