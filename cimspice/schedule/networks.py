"""Shapes of published networks, convolutions in the order in which they are computed.

Padding is uneven where a convolution of stride 2 needs it ("same" of TensorFlow), but for the residual
networks, whose padding is half of the kernel on all sides, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from cimspice.errors import ParameterError
from cimspice.schedule.graph import Builder, Graph

Stride = Literal["first", "spatial"]
"""Which convolution of a residual block has the stride: its first 1 × 1 (v1), or its 3 × 3 (v1.5)."""


def _tinyyolov3(b: Builder, stride: Stride) -> None:
    for channels in (16, 32, 64, 128):
        b.conv(channels, 3)
        b.pool(2)
    route = b.conv(256, 3)
    b.pool(2)
    b.conv(512, 3)
    b.pool(2, 1, (0, 0, 1, 1))
    b.conv(1024, 3)
    _two_scales(b, route)


def _tinyyolov4(b: Builder, stride: Stride) -> None:
    b.conv(32, 3, 2)
    b.conv(64, 3, 2)
    route = ""
    for channels in (64, 128, 256):
        first = b.conv(channels, 3)
        b.slice(channels // 2)
        half = b.conv(channels // 2, 3)
        joined = b.join("concat", (b.conv(channels // 2, 3), half))
        route = b.conv(channels, 1, source=joined)
        b.join("concat", (first, route))
        b.pool(2)
    b.conv(512, 3)
    _two_scales(b, route)


def _two_scales(b: Builder, route: str) -> None:
    """What TinyYOLO networks detect with: on the last map, and on twice its size with an earlier one."""
    neck = b.conv(256, 1)
    b.conv(512, 3)
    b.conv(255, 1, rectified=False)
    b.conv(128, 1, source=neck)
    b.join("concat", (b.upsample(2), route))
    b.conv(256, 3)
    b.conv(255, 1, rectified=False)


def _vgg(blocks: tuple[int, ...], b: Builder, stride: Stride) -> None:
    for channels, convolutions in zip((64, 128, 256, 512, 512), blocks, strict=True):
        for _ in range(convolutions):
            b.conv(channels, 3)
        b.pool(2)
    for outputs in (4096, 4096, 1000):
        b.whole("dense", outputs)


def _resnet(blocks: tuple[int, ...], b: Builder, stride: Stride) -> None:
    b.conv(64, 7, 2, 3)
    b.pool(3, 2, 1)
    for stage, count in enumerate(blocks):
        width = 64 << stage
        for block in range(count):
            source, name = b.last, f"stage{stage + 1}.block{block + 1}"
            step = 2 if stage and not block else 1
            steps = (step, 1) if stride == "first" else (1, step)
            b.conv(width, 1, steps[0], name=f"{name}.conv1")
            b.conv(width, 3, steps[1], 1, name=f"{name}.conv2")
            summed = b.conv(4 * width, 1, name=f"{name}.conv3", rectified=False)
            if not block:
                source = b.conv(4 * width, 1, step, source=source, name=f"{name}.projection", rectified=False)
            b.join("add", (summed, source), f"{name}.add", "add, rectified")
    b.whole("global_pool", 2048)
    b.whole("dense", 1000)


def _mobilenetv2(b: Builder, stride: Stride) -> None:
    b.conv(32, 3, 2)
    channels = 32
    settings = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                (6, 320, 1, 1))  # fmt: skip
    for expansion, outputs, count, first in settings:
        for block in range(count):
            source, step = b.last, first if not block else 1
            wide = expansion * channels
            if expansion > 1:
                b.conv(wide, 1)
            b.conv(wide, 3, step, groups=wide)
            b.conv(outputs, 1, rectified=False)
            if step == 1 and channels == outputs:
                b.join("add", (b.last, source))
            channels = outputs
    b.conv(1280, 1)
    b.whole("global_pool", 1280)
    b.whole("dense", 1000)


def _digits_cnn(b: Builder, stride: Stride) -> None:
    b.conv(8, 3, name="conv1")
    b.conv(16, 3, name="conv2")
    b.pool(2, name="pool")
    b.whole("dense", 10, name="dense")


_SHAPES: dict[str, tuple[int, int, Callable[[Builder, Stride], None]]] = {
    "tinyyolov3": (3, 416, _tinyyolov3),
    "tinyyolov4": (3, 416, _tinyyolov4),
    "vgg16": (3, 224, partial(_vgg, (2, 2, 3, 3, 3))),
    "vgg19": (3, 224, partial(_vgg, (2, 2, 4, 4, 4))),
    "resnet50": (3, 224, partial(_resnet, (3, 4, 6, 3))),
    "resnet101": (3, 224, partial(_resnet, (3, 4, 23, 3))),
    "resnet152": (3, 224, partial(_resnet, (3, 8, 36, 3))),
    "mobilenetv2": (3, 224, _mobilenetv2),
    "digits-cnn": (1, 8, _digits_cnn),
}
"""Channels, height and width of the input, and layers, by name."""
NETWORKS = tuple(_SHAPES)


def published(name: str, size: tuple[int, int] | None = None, stride: Stride = "first") -> Graph:
    """A published network for an input of this height and width, by default its own.

    Raises
    ------
    ParameterError
        If there is none of this name, or the input is too small.
    """
    if name not in _SHAPES:
        raise ParameterError(
            f"no network {name!r}"[:200],
            place="network",
            remedy=f"choose from {', '.join(NETWORKS)}, or give a file: .onnx, .toml",
        )
    if stride not in ("first", "spatial"):
        raise ParameterError(f"stride {stride!r}", place="--stride", remedy="use first or spatial")
    channels, side, layers = _SHAPES[name]
    b = Builder(name, channels, *(size or (side, side)))
    layers(b, stride)
    return b.graph()
