"""A 1T1R cell: one write pulse limited by the access transistor's gate, and the read that verifies it."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import computed_field

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.rram.circuit.device import ACCURATE, ReadVoltage, RramParameters, State
from cimspice.spice import SolverOptions, Tran, Waveforms


class CellWriteParameters(RramParameters):
    """SET: voltage on the bit line. RESET: voltage on the source line. The word line limits the current.

    SkyWater's own cells are written with 1.7 V on the word line and 2.4 V on the bit line (SET), 2.5 V on the
    word line and 2.6 V on the source line (RESET), in pulses of 1 us; they are formed
    (``initial_state`` below 0) with 1.4 to 2.0 V on the word line and 2.6 to 3.1 V on the bit line.
    """

    transistor: Literal["nfet_g5v0d10v5", "nfet_01v8", "nfet_01v8_lvt"] = "nfet_g5v0d10v5"
    width: Annotated[float, quantity("m", gt=0, le=1e-4, description="of the access transistor")] = 2e-6
    length: Annotated[float, quantity("m", gt=0, le=1e-5, description="of the access transistor")] = 0.5e-6
    inner_capacitance: Annotated[float, quantity("F", ge=0, le=1e-12, description="wire inside the cell")] = (
        0.0
    )
    initial_state: State = 0.0
    word_line_voltage: Annotated[float, quantity("V", ge=0, le=5.5, description="during the pulse")] = 1.7
    bit_line_voltage: Annotated[float, quantity("V", ge=0, le=3.3, description="of a SET or form pulse")] = (
        2.2
    )
    source_line_voltage: Annotated[float, quantity("V", ge=0, le=3.3, description="of a RESET pulse")] = 0.0
    pulse_width: Annotated[float, quantity("s", ge=1e-9, le=1e-2, description="at full voltage")] = 1e-6
    edge: Annotated[float, quantity("s", ge=1e-11, le=1e-6, description="of every edge")] = 5e-9
    read_voltage: ReadVoltage = 0.1
    read_gate_voltage: Annotated[float, quantity("V", ge=0, le=5.5, description="word line of the read")] = (
        3.3
    )
    read_time: Annotated[float, quantity("s", ge=1e-9, le=1e-3, description="until the read settled")] = 50e-9

    @computed_field
    @property
    def times(self) -> tuple[float, ...]:
        """Corners of the waveforms (s): word line up, pulse, word line down, read levels, end."""
        edge = self.edge
        lengths = (edge, edge, edge, edge, self.pulse_width, edge, edge, edge, edge, self.read_time)
        return tuple(float(time) for time in np.cumsum(lengths))


@register
class RramCellWrite(Bench):
    """State after the pulse, conductance of the cell as read (transistor included), energy, peak current.

    ``energy`` is what bit line and source line deliver during the pulse, ``gate_energy`` what the word line
    delivers.
    """

    name: ClassVar[str] = "rram_cell_write"
    title: ClassVar[str] = "write pulse and verifying read of a 1T1R cell"
    template: ClassVar[str] = "rram/cell_write"
    Parameters: ClassVar[type[NetlistParameters]] = CellWriteParameters
    columns: ClassVar[dict[str, str]] = {
        "state_after": "1",
        "conductance_after": "S",
        "energy": "J",
        "gate_energy": "J",
        "peak_current": "A",
    }
    flat: ClassVar[bool] = True
    solver: ClassVar[SolverOptions] = ACCURATE

    def analysis(self, parameters: CellWriteParameters) -> Tran:
        saved = (
            "bit_line",
            "source_line",
            "word_line",
            "state",
            "vbit#branch",
            "vsource#branch",
            "vword#branch",
        )
        step = max(parameters.pulse_width / 200, parameters.edge / 20)
        return Tran(min(parameters.edge / 20, step), parameters.times[-1], max_step=step, save=saved)

    def measure(self, parameters: CellWriteParameters, waveforms: Waveforms) -> pd.DataFrame:
        time = waveforms.axis
        bit, source, word = (-waveforms[f"{name}#branch"] for name in ("vbit", "vsource", "vword"))
        write = time <= parameters.times[7]
        power = waveforms["bit_line"] * bit + waveforms["source_line"] * source
        return pd.DataFrame(
            {
                "state_after": [waveforms["state"][-1]],
                "conductance_after": [bit[-1] / parameters.read_voltage],
                "energy": [np.trapezoid(power[write], time[write])],
                "gate_energy": [np.trapezoid((waveforms["word_line"] * word)[write], time[write])],
                "peak_current": [np.max(np.abs(bit[write]))],
            }
        )
