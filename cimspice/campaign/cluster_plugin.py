"""What a Dask worker itself runs of a campaign; only imported where ``distributed`` is."""

from typing import Any

from distributed import WorkerPlugin, get_worker

from cimspice.campaign.cluster_worker import Slots


class ProcessesOfWorker(WorkerPlugin):
    """Gives each Dask worker its processes, and ends them with the campaign."""

    def __init__(self, time_limit: float) -> None:
        self.time_limit = time_limit
        self.slots: Slots | None = None

    def setup(self, worker: Any) -> None:
        self.slots = Slots(self.time_limit)

    def teardown(self, worker: Any) -> None:
        if self.slots is not None:
            self.slots.close()


def run_shipment(name: str, shipment: bytes) -> bytes:
    """The task: the shipment goes to a process of the plugin of this name."""
    plugin: Any = get_worker().plugins[name]
    return plugin.slots.run(shipment)
