"""Every error a user of cimspice can meet: one family, each naming the value, the place and the remedy."""


class CimspiceError(Exception):
    """Root of the family.

    Parameters
    ----------
    message
        What is wrong, with the offending value.
    place
        Where: a file and key, a netlist line, a parameter's name. Empty where the message says it.
    remedy
        What the user can do about it.
    """

    def __init__(self, message: str, *, place: str = "", remedy: str = "") -> None:
        self.message, self.place, self.remedy = message, place, remedy
        super().__init__(message, place, remedy)

    def __reduce__(self):
        return _rebuild, (type(self), self.__dict__.copy())

    def __str__(self) -> str:
        parts = [self.message]
        if self.place:
            parts.append(f"  at: {self.place}")
        if self.remedy:
            parts.append(f"  remedy: {self.remedy}")
        return "\n".join(parts)


def _rebuild(kind: type[CimspiceError], state: dict) -> CimspiceError:
    """Errors cross from worker processes to the parent, so they must survive pickling with their fields."""
    error = kind.__new__(kind)
    Exception.__init__(error, state["message"], state["place"], state["remedy"])
    error.__dict__.update(state)
    return error


class ParameterError(CimspiceError, ValueError):
    """A parameter is missing, unknown, not finite or out of its bounds."""


class TemplateError(CimspiceError, ValueError):
    """A template is unsafe, not found, or does not fit its parameters."""


class PdkError(CimspiceError):
    """The process design kit is missing, broken, or lacks what was asked of it."""


class TableError(CimspiceError, ValueError):
    """A table (characterisation result or user's CSV) lacks columns or holds unusable values."""


class OutputError(CimspiceError, ValueError):
    """The file or folder that results should go to cannot be used: not there, no folder, not ours."""


class StoreError(CimspiceError):
    """The store of finished points cannot be opened, read or written."""


class FitError(CimspiceError):
    """A model could not be fitted to the data given."""


class MappingError(CimspiceError, ValueError):
    """A weight cannot be programmed on the circuit."""


class SimulationError(CimspiceError):
    """A simulation did not produce a result.

    Besides the message: ``netlist_line`` (the line ngspice stumbled over, if known) and ``words`` (its own).
    """

    def __init__(
        self, message: str, *, netlist_line: str = "", words: str = "", place: str = "", remedy: str = ""
    ):
        super().__init__(message, place=place, remedy=remedy)
        self.netlist_line, self.words = netlist_line, words

    def __str__(self) -> str:
        parts = [super().__str__()]
        if self.netlist_line:
            parts.append(f"  netlist line: {self.netlist_line}")
        if self.words:
            parts.append("  ngspice said: " + self.words.strip().replace("\n", "\n    "))
        return "\n".join(parts)


class NonConvergence(SimulationError):
    """The operating point or a time step did not converge."""


class SingularMatrix(SimulationError):
    """A node floats or a loop of voltage sources leaves the equations singular."""


class MissingModel(SimulationError):
    """A model, subcircuit or included file is not there, or no bin fits the geometry."""


class BadParameter(SimulationError):
    """A parameter is undefined, not finite or not understood by ngspice."""


class TimeLimit(SimulationError):
    """A simulation ran past its time limit and its worker was killed."""


class ClusterError(CimspiceError):
    """The machines of a cluster cannot be reached, or do not fit this one."""


class WorkerLost(SimulationError):
    """A worker process died (signal, memory) while it simulated."""


class EngineMissing(SimulationError):
    """ngspice or its shared library is not installed or could not be loaded."""
