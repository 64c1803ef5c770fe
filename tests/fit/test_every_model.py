"""What holds for every model: its gradient, its range warning, its card, its pickling."""

import pickle
import warnings

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.fit import Model, ModelCard, ModelRangeWarning, Range, Ranges
from cimspice.neuron.model.capacitance import ConstantCapacitance, SplineCapacitance
from cimspice.neuron.model.comparator import Comparator
from cimspice.neuron.model.current_dependent import CurrentDependentSynapse
from cimspice.neuron.model.ekv import EkvGateLaw
from cimspice.neuron.model.gate_law import PolynomialGateLaw
from cimspice.neuron.model.injection import InjectedCharge
from cimspice.neuron.model.ramp import Ramp
from cimspice.neuron.model.synapse import ReversalSynapse
from cimspice.neuron.model.voltage_dependent import VoltageDependentSynapse

VOLTS = np.linspace(0.45, 1.35, 7)
GATES = Ranges({"gate_bias": Range(0.4, 0.65, "V")})


def example(kind: str) -> tuple[Model, str, tuple]:
    """A model, its equation's name, and inputs within its range. The gradient is that of the equation."""
    currents = np.geomspace(2e-9, 5e-7, 7)
    synapse = Ranges({"current_at_reset": Range(1e-9, 1e-6, "A"), "membrane_voltage": Range(0.43, 1.36, "V")})
    voltage = Ranges({"membrane_voltage": Range(0.43, 1.36, "V")})
    examples = {
        "reversal_synapse": (
            ReversalSynapse(polarity="p", reversal_coefficient=0.7, ranges=synapse),
            "current",
            (currents, VOLTS),
        ),
        "current_dependent_synapse": (
            CurrentDependentSynapse(polarity="n", coefficients=[0.4, -0.02, -0.003], ranges=synapse),
            "current",
            (currents, VOLTS),
        ),
        "voltage_dependent_synapse": (
            VoltageDependentSynapse(
                polarity="p", coefficients=[[0.6, -0.05], [0.03, 0.01], [-0.01, 0.002]], ranges=synapse
            ),
            "current",
            (currents, VOLTS),
        ),
        "polynomial_gate_law": (
            PolynomialGateLaw(
                polarity="n", coefficients=[-17.0, 3.0, -0.3], centre=0.525, half_width=0.125, ranges=GATES
            ),
            "log_current",
            (np.linspace(0.4, 0.65, 9),),
        ),
        "ekv_gate_law": (
            EkvGateLaw(
                polarity="n", log_specific_current=-14, threshold=0.6, thermal_slope=0.036, ranges=GATES
            ),
            "log_current",
            (np.linspace(0.4, 0.65, 9),),
        ),
        "ramp": (
            Ramp(rate=1.1e6, reversal_coefficient=0.177),
            "potential",
            (np.linspace(0, 1e-6, 9), 0.2),
        ),
        "constant_capacitance": (
            ConstantCapacitance(total_capacitance=140e-15, ranges=voltage),
            "capacitance",
            (VOLTS,),
        ),
        "spline_capacitance": (
            SplineCapacitance(
                capacitances=[141e-15, 140e-15, 139e-15, 139.5e-15, 142e-15],
                knots=[0.43, 0.6, 0.8, 1.1, 1.36],
                ranges=voltage,
            ),
            "capacitance",
            (VOLTS,),
        ),
        "comparator": (
            Comparator(
                threshold=0.43,
                fixed_delay=5e-10,
                slope_delay=2e-9,
                exponent=0.5,
                reference_slope=1e6,
                ranges=Ranges({"slope": Range(1e5, 1e7, "V/s")}),
            ),
            "delay",
            (np.geomspace(2e5, 5e6, 7),),
        ),
        "injected_charge": (
            InjectedCharge(
                polarity="n",
                edge="on",
                coefficients=[[1e-16, 2e-17], [3e-17, -1e-17], [5e-18, 0.0]],
                gate_bias_map=[0.525, 0.125],
                membrane_voltage_map=[0.9, 0.47],
                ranges=Ranges({**GATES, **voltage}),
            ),
            "charge",
            (np.linspace(0.4, 0.65, 7), VOLTS),
        ),
    }
    return examples[kind]


KINDS = [
    "reversal_synapse",
    "current_dependent_synapse",
    "voltage_dependent_synapse",
    "polynomial_gate_law",
    "ekv_gate_law",
    "ramp",
    "constant_capacitance",
    "spline_capacitance",
    "comparator",
    "injected_charge",
]


def changed(model: Model, name: str, step: float) -> Model:
    """The model with one flat parameter moved, through its card, as a user would."""
    card = ModelCard.from_model(model)
    record = card.parameters[name]
    moved = record.model_copy(update={"value": record.value + step})
    return card.model_copy(update={"parameters": {**card.parameters, name: moved}}).model()


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_agrees_with_differences(kind):
    model, equation, inputs = example(kind)
    gradient = model.gradient(*inputs)  # pyright: ignore[reportAttributeAccessIssue] - each of KINDS has one
    size = np.max(np.abs(getattr(model, equation)(*inputs)))
    for row, (name, value) in zip(gradient, model.parameters().items(), strict=True):
        step = 1e-4 * (abs(value) or max(map(abs, model.parameters().values())))
        ahead, behind = (getattr(changed(model, name, d), equation)(*inputs) for d in (step, -step))
        np.testing.assert_allclose(row * step, (ahead - behind) / 2, atol=1e-9 * size, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_brings_back_the_same_model(kind, tmp_path):
    model, equation, inputs = example(kind)
    ModelCard.from_model(model).save(tmp_path / "card.json")
    loaded = ModelCard.load(tmp_path / "card.json").model()
    assert loaded == model
    np.testing.assert_array_equal(getattr(loaded, equation)(*inputs), getattr(model, equation)(*inputs))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_survives_pickling(kind):
    model, *_ = example(kind)
    assert pickle.loads(pickle.dumps(model)) == model


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("ramp", "polynomial_gate_law", "ekv_gate_law")]
)
def test_leaving_the_range_warns_once(kind):
    model, equation, inputs = example(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(model, equation)(*inputs)
    outside = (*inputs[:-1], np.asarray(inputs[-1]) * 10)
    with pytest.warns(ModelRangeWarning, match=kind):
        getattr(model, equation)(*outside)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(model, equation)(*outside)


@pytest.mark.parametrize("kind", KINDS)
def test_a_parameter_that_is_not_finite_is_refused(kind):
    model, *_ = example(kind)
    with pytest.raises(ParameterError, match="not finite"):
        changed(model, next(iter(model.parameters())), np.nan)


def test_models_differ_where_a_value_differs():
    one, *_ = example("spline_capacitance")
    assert one != changed(one, "capacitances[2]", 1e-18)
    assert one != "something else"


def test_arrays_of_a_model_cannot_be_changed():
    model, *_ = example("injected_charge")
    with pytest.raises(ValueError, match="read-only"):
        model.coefficients[0, 0] = 1.0  # pyright: ignore[reportAttributeAccessIssue] - InjectedCharge has them
