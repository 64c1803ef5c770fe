"""The netlist: checked text, where it comes from, and a digest of its content."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from cimspice.netlist.check import check_text


@dataclass(frozen=True)
class Netlist:
    """A circuit as SPICE text, without device models, analyses and options: the simulator adds those."""

    text: str
    """SPICE text. The first line is a ``* title``; every other one is an element, a comment or one of the few
    dot-lines of :data:`cimspice.netlist.check.DOT_WORDS`. Checked whenever a netlist is made."""
    template: str
    """Name of the template it was rendered from."""
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)
    """The values it was rendered with, fit for JSON."""
    sources: dict[str, str] = field(default_factory=dict, hash=False, compare=False)
    """What it was made of: templates and included model files by name, with the SHA-256 of their content."""
    digest: str = field(init=False)
    """SHA-256 of the text, hexadecimal: the same digest is the same circuit."""

    def __post_init__(self) -> None:
        check_text(self.text, self.template)
        object.__setattr__(self, "digest", hashlib.sha256(self.text.encode()).hexdigest())

    @property
    def title(self) -> str:
        """The first line without its asterisk."""
        return self.text.split("\n", 1)[0].lstrip("*").strip()
