"""What FP8 scales cost in accuracy on Gaudi: bit-exact codes of generated matrices, by scale choice.

Activations have a few channels of much larger values, as those of language models do; weights are heavy-tailed. Codes,
saturation and scales are those of `hwsim.models.numerics.fp8`, the golden model of the Verilog unit. Two measures: the
relative error of a product, and how often a residual network keeps its class (a proxy of accuracy).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.experiments.reproduction import Row
from hwsim.models.numerics.fp8 import GAUDI2_BIASES, GAUDI3_BIASES, quantise

Floats = NDArray[np.float64]
FORMATS = {"gaudi2-96gb": ("e4m3_240", GAUDI2_BIASES), "gaudi3-128gb": ("e4m3_448", GAUDI3_BIASES)}
SCALINGS = ("unit", "hardware", "power_of_two", "tensor", "channel")
TOKENS, WIDTH, INNER, BLOCKS, CLASSES = 512, 128, 256, 4, 16
OUTLIER_CHANNELS, OUTLIER_SCALE, TAIL = 0.01, 20.0, 5.0


def activations(generator: np.random.Generator, tokens: int, width: int) -> Floats:
    """(tokens, width) values with a hundredth of the channels twenty times as large."""
    values: Floats = generator.standard_normal((tokens, width))
    values[:, : max(1, round(OUTLIER_CHANNELS * width))] *= OUTLIER_SCALE
    return values


def weights(generator: np.random.Generator, outputs: int, inputs: int) -> Floats:
    """(outputs, inputs) heavy-tailed values of unit gain."""
    result: Floats = generator.standard_t(TAIL, (outputs, inputs)) / np.sqrt(inputs * TAIL / (TAIL - 2.0))
    return result


def rounded(values: Floats, device: str, scaling: str) -> Floats:
    """The values as the device holds them; one scale along the reduced (last) axis for ``channel``."""
    name, biases = FORMATS[device]
    result: Floats = quantise(values, name, scaling, biases=biases).values()
    return result


def product(values: Floats, matrix: Floats, device: str, scaling: str) -> Floats:
    """values (tokens, k) times matrix (n, k), both in FP8; sums in float64, whose error is far below that of FP8."""
    if not scaling:
        return values @ matrix.T
    return rounded(values, device, scaling) @ rounded(matrix, device, scaling).T


def classes(inputs: Floats, layers: list[Floats], device: str, scaling: str) -> NDArray[np.int64]:
    """Classes of a residual network whose products but the head run in FP8 (no scaling: exact)."""
    state = inputs
    for up, down in zip(layers[0:-1:2], layers[1:-1:2], strict=True):
        normal = state / np.sqrt(np.mean(state**2, axis=1, keepdims=True))
        inner = np.maximum(product(normal, up, device, scaling), 0.0)
        state = state + product(inner, down, device, scaling)
    result: NDArray[np.int64] = np.argmax(state @ layers[-1].T, axis=1)
    return result


@cache
def product_error(device: str, scaling: str, magnitude: float = 1.0, seed: int = 0) -> float:
    """Relative error (root mean square) of one product; ``magnitude`` multiplies its activations."""
    generator = np.random.default_rng(seed)
    values, matrix = activations(generator, TOKENS, WIDTH) * magnitude, weights(generator, INNER, WIDTH)
    exact = product(values, matrix, device, "")
    error = product(values, matrix, device, scaling) - exact
    return float(np.sqrt(np.mean(error**2) / np.mean(exact**2)))


@cache
def class_kept(device: str, scaling: str, seed: int = 0) -> float:
    """Share of inputs that keep their class."""
    generator = np.random.default_rng(seed)
    layers = [weights(generator, *shape) for _ in range(BLOCKS) for shape in ((INNER, WIDTH), (WIDTH, INNER))]
    layers.append(weights(generator, CLASSES, WIDTH))
    inputs = activations(generator, TOKENS, WIDTH)
    return float(np.mean(classes(inputs, layers, device, scaling) == classes(inputs, layers, device, "")))


def accuracy_rows(system: str) -> list[Row]:
    """Every scale choice on both devices; none of the published accuracies is of these matrices, so all is context."""
    found = []
    for device, (name, _) in FORMATS.items():
        for scaling in SCALINGS:
            common: dict[str, Any] = {
                "system": system, "given": {"format": name, "scale": scaling}, "judged": False, "published": "",
                "source": "prediction",
            }  # fmt: skip
            case = f"{device}, {name}, scale {scaling}"
            found.append(
                Row(case=case, metric="error of a product", unit="", predicted=product_error(device, scaling), **common)
            )
            found.append(Row(case=case, metric="class kept", unit="", predicted=class_kept(device, scaling), **common))
    return found
