"""6T SRAM arrays that multiply and learn."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.sram.circuit.array import Array
    from cimspice.sram.emulator.ideal_read import IdealRead
    from cimspice.sram.emulator.layer import SramLayer
    from cimspice.sram.emulator.layer_design import LayerDesign
    from cimspice.sram.emulator.learning import LearningNetwork, random_words
    from cimspice.sram.emulator.periphery import Periphery, PeripherySpread
    from cimspice.sram.emulator.read import MultiRowRead
    from cimspice.sram.family import card, characterise, check, layer, map, measured, model_of, validate
    from cimspice.sram.family import circuit as sram_circuit
    from cimspice.sram.mapping.format import WordFormat
    from cimspice.sram.mapping.pulses import compensated_codes, power_codes
    from cimspice.sram.mapping.words import row_codes, store_words, stored_words
    from cimspice.sram.model.bit_line import BitLines
    from cimspice.sram.model.charge_sharing import ChargeSharing
    from cimspice.sram.model.multiplier import ChargeMultiplier
    from cimspice.sram.training.chip import ChipFamily
    from cimspice.sram.training.lessons import accuracy, learn
    from cimspice.sram.validation.periphery import characterised_periphery, unseen
    from cimspice.sram.validation.read import SramValidation
    from cimspice.training.iris_folds import iris_folds

__all__ = [
    "Array",
    "BitLines",
    "ChargeMultiplier",
    "ChargeSharing",
    "ChipFamily",
    "IdealRead",
    "LayerDesign",
    "LearningNetwork",
    "MultiRowRead",
    "Periphery",
    "PeripherySpread",
    "SramLayer",
    "SramValidation",
    "WordFormat",
    "accuracy",
    "card",
    "characterise",
    "characterised_periphery",
    "check",
    "compensated_codes",
    "iris_folds",
    "layer",
    "learn",
    "map",
    "measured",
    "model_of",
    "power_codes",
    "random_words",
    "row_codes",
    "sram_circuit",
    "store_words",
    "stored_words",
    "unseen",
    "validate",
]
__getattr__, __dir__ = lazy(__name__)
