"""Training of networks for the circuit that they will run on."""

from cimspice.neuron.training.objective import Objective
from cimspice.neuron.training.tasks import train_digits, train_iris
from cimspice.neuron.training.trained import TrainedNetwork
from cimspice.neuron.training.trainer import Schedule, initial_weights, train
from cimspice.training.datasets import SpikeSplit, digits, iris

__all__ = [
    "Objective",
    "Schedule",
    "SpikeSplit",
    "TrainedNetwork",
    "digits",
    "initial_weights",
    "iris",
    "train",
    "train_digits",
    "train_iris",
]
