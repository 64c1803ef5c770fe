"""What a result rests on besides the circuit: the simulator and the device models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cimspice.files import content_digest
from cimspice.netlist.include import include_folder
from cimspice.pdk import Pdk, locate, slice_models
from cimspice.spice.library import find_library


@dataclass
class Environment:
    """The simulator and the device models that a campaign's points are run with."""

    ngspice: str
    """Identity of the simulator: name of its library and digest of the file, so that an update is noticed
    even where the version stays."""
    pdk: Pdk | None = None
    """The device models; None until a circuit asks for them, so a circuit without devices needs no PDK."""
    include_roots: tuple[str | Path, ...] = ()
    """Folders from which templates may include model files; see :func:`cimspice.netlist.allow_includes`."""

    @classmethod
    def detect(cls, include_roots: Iterable[str | Path] = ()) -> Environment:
        """This machine's, with the folders that the user allows.

        EngineMissing if ngspice's library is not installed; ParameterError if there is no such folder.
        """
        library = Path(find_library())
        # A bare name is one that only the system's loader resolves.
        digest = content_digest(library)[:16] if library.is_file() else "by name"
        return cls(f"{library.name} {digest}", include_roots=tuple(map(include_folder, include_roots)))

    def require_models(self, netlist_text: str) -> None:
        """Find the device models if the netlist uses any (PdkError if none are installed)."""
        if self.pdk is None and uses_pdk(netlist_text):
            self.pdk = locate()

    def models_digest(self, netlist_text: str) -> str:
        """Digest of the device models that a netlist uses, over all corners; empty if it uses none.

        ParameterError or PdkError if a device or its geometry is not in the models.
        """
        self.require_models(netlist_text)
        return slice_models(netlist_text, self.pdk).digest if uses_pdk(netlist_text) else ""

    def provenance(self) -> dict[str, str]:
        """As text, for tables and model cards."""
        found = {"ngspice": self.ngspice}
        if self.pdk is not None:
            found |= {"pdk": f"sky130 {self.pdk.version} ({self.pdk.source})", "pdk_digest": self.pdk.digest}
        return found


def uses_pdk(netlist_text: str) -> bool:
    """Whether a netlist has devices of the PDK."""
    return "sky130_fd_pr__" in netlist_text.lower()
