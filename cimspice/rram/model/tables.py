"""Tables of resistive memories, simulated or measured: their columns, units and plausible bounds."""

from cimspice.fit.table import SCHEMAS, Column, TableSchema

_CONDITIONS = {
    "corner": Column(required=False),
    "temperature": Column(unit="degC", low=-273.15, high=500.0, required=False),
}
_SMALLEST = 1e-15


def _voltage(*names: str, coordinate: bool = True) -> Column:
    return Column(unit="V", low=-10.0, high=10.0, names=names, coordinate=coordinate)


def _conductance(*names: str, coordinate: bool = False) -> Column:
    return Column(unit="S", low=_SMALLEST, high=1.0, names=names, coordinate=coordinate)


RRAM_READ = TableSchema(
    "rram_read",
    {
        "voltage": _voltage("read_voltage", "bias", "v"),
        "current": Column(unit="A", low=-1.0, high=1.0, coordinate=False, names=("read_current", "i")),
        **_CONDITIONS,
    },
)
RRAM_PULSES = TableSchema(
    "rram_pulses",
    {
        "pulse_voltage": _voltage("amplitude", "write_voltage"),
        "pulse_width": Column(unit="s", low=1e-15, high=1e6, names=("width", "duration")),
        "conductance_before": _conductance("initial_conductance", coordinate=True),
        "conductance_after": _conductance("final_conductance"),
        **_CONDITIONS,
    },
)
RRAM_CYCLES = TableSchema(
    "rram_cycles",
    {
        "device": Column(unit="1", low=0, high=1e9, names=("cell",)),
        "cycle": Column(unit="1", low=0, high=1e12),
        "low_conductance": _conductance("hrs_conductance", "reset_conductance"),
        "high_conductance": _conductance("lrs_conductance", "set_conductance"),
        "set_voltage": Column(unit="V", low=1e-3, high=10.0, coordinate=False, required=False),
        "reset_voltage": Column(unit="V", low=1e-3, high=10.0, coordinate=False, required=False),
        **_CONDITIONS,
    },
    numbered=True,
)
RRAM_ACCESS = TableSchema(
    "rram_access",
    {
        "gate_voltage": _voltage("word_line_voltage"),
        "drain_voltage": _voltage(),
        "source_voltage": _voltage(),
        "current": Column(unit="A", low=-1.0, high=1.0, coordinate=False, names=("drain_current",)),
        **_CONDITIONS,
    },
)
SCHEMAS.update({schema.name: schema for schema in (RRAM_READ, RRAM_PULSES, RRAM_CYCLES, RRAM_ACCESS)})
