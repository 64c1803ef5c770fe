"""Weight matrices of ResNet-50 and ViT-Base/16, derived from their architecture.

A convolution is the matrix (channels out, channels in · kernel height · kernel width). He et al., arXiv
1512.03385; Dosovitskiy et al., arXiv 2010.11929, Base, patches of 16 × 16, 224 × 224 pixels. Both with 1,000
classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Inputs = Literal["gaussian", "rectified"]


@dataclass(frozen=True)
class Matrix:
    """One weight matrix: ``outputs`` × ``inputs``, and how its inputs are distributed (zero mean, or the
    positive part of that behind a rectifier)."""

    name: str
    outputs: int
    inputs: int
    input_law: Inputs

    @property
    def weights(self) -> int:
        return self.outputs * self.inputs


@dataclass(frozen=True)
class Architecture:
    """All matrices of a network in the order in which they are used, and the parameters that are no matrix
    (biases, normalisation, class token, positions), which stay digital."""

    name: str
    matrices: tuple[Matrix, ...]
    other_parameters: int

    @property
    def parameters(self) -> int:
        """All parameters of the network."""
        return sum(matrix.weights for matrix in self.matrices) + self.other_parameters


def resnet50() -> Architecture:
    """ResNet-50 for 1,000 classes: 53 convolutions and one dense layer."""
    matrices = [Matrix("conv1", 64, 3 * 7 * 7, "gaussian")]
    channels = 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=2):
        for block in range(1, blocks + 1):
            place = f"conv{stage}.{block}"
            matrices += [
                Matrix(f"{place}.reduce", width, channels, "rectified"),
                Matrix(f"{place}.spatial", width, width * 3 * 3, "rectified"),
                Matrix(f"{place}.expand", 4 * width, width, "rectified"),
            ]
            if block == 1:
                matrices.append(Matrix(f"{place}.shortcut", 4 * width, channels, "rectified"))
            channels = 4 * width
    normalisation = 2 * sum(matrix.outputs for matrix in matrices)  # scale and shift per channel
    matrices.append(Matrix("classifier", 1000, channels, "rectified"))
    return Architecture("resnet50", tuple(matrices), normalisation + 1000)


def vit_base() -> Architecture:
    """ViT-Base/16 for 224 × 224 pixels and 1,000 classes: 12 blocks of width 768."""
    width, hidden, blocks, patch, pixels = 768, 3072, 12, 16, 224
    matrices = [Matrix("patches", width, 3 * patch**2, "gaussian")]
    for block in range(1, blocks + 1):
        matrices += [
            Matrix(f"block{block}.query_key_value", 3 * width, width, "gaussian"),
            Matrix(f"block{block}.attention_output", width, width, "gaussian"),
            Matrix(f"block{block}.mlp_in", hidden, width, "gaussian"),
            Matrix(f"block{block}.mlp_out", width, hidden, "rectified"),
        ]
    matrices.append(Matrix("classifier", 1000, width, "gaussian"))
    biases = sum(matrix.outputs for matrix in matrices)
    tokens = (pixels // patch) ** 2 + 1
    embedding = width * (tokens + 1)  # a position each, and the class token itself
    normalisation = 2 * width * (2 * blocks + 1)
    return Architecture("vit-base", tuple(matrices), biases + embedding + normalisation)
