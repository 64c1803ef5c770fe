"""Training of networks for the circuit that they will run on."""

from cimspice.training.datasets import SpikeSplit, digits, iris
from cimspice.training.objective import Objective
from cimspice.training.tasks import train_digits, train_iris
from cimspice.training.trained import TrainedNetwork
from cimspice.training.trainer import Schedule, initial_weights, train

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
