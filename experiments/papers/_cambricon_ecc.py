"""Cambricon-LLM's on-die error correction, by flipping real bits of generated 8-bit weights.

A page of 16384 weights keeps two more copies of its largest 1 % (163) in the spare bytes, with their addresses, and
the largest magnitude that is left as a threshold. Reading takes the bitwise majority of the three copies; any other
weight above the threshold can only come from a flip and is read as 0. The Verilog unit and its golden model do the
same. The proxy of accuracy is how often a residual network with flipped weights picks the same class as without flips.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.experiments.reproduction import Row
from hwsim.models.numerics.outlier_ecc import spare_bytes

PAGE = 16384
PROTECTED = 163  # 1 % of a page
COPIES = 2
WIDTH, INNER, BLOCKS, CLASSES, INPUTS = 256, 1024, 8, 64, 512
TAIL = 5.0  # degrees of freedom of Student's t: weights of language models have a few large values in a row
RATE = 2e-4
SOURCE = "arXiv 2409.15654, figs 9 and 11-16; simulated by the authors"
TEXT = "arXiv 2409.15654, text"

Weights = NDArray[np.int8]
Floats = NDArray[np.float32]


class Accuracy(NamedTuple):
    """Share of inputs that keep their class, with and without error correction, and mean squared weight errors."""

    corrected: float
    raw: float
    corrected_error: float
    raw_error: float


def flip_bits(weights: Weights, rate: float, generator: np.random.Generator) -> Weights:
    """Flip every bit with probability ``rate``."""
    bits = weights.size * 8
    flipped = np.unique(generator.integers(0, bits, generator.binomial(bits, rate)))
    raw = weights.reshape(-1).view(np.uint8).copy()
    np.bitwise_xor.at(raw, flipped // 8, (1 << (flipped % 8)).astype(np.uint8))
    result: Weights = raw.view(np.int8).reshape(weights.shape)
    return result


def magnitudes(weights: Weights) -> NDArray[np.int16]:
    """Absolute values; that of -128 does not fit in 8 bits."""
    return np.abs(weights.astype(np.int16))


def majority(first: Weights, second: Weights, third: Weights) -> Weights:
    """Bitwise majority of three copies."""
    a, b, c = (each.view(np.uint8) for each in (first, second, third))
    voted: Weights = ((a & b) | (a & c) | (b & c)).view(np.int8)
    return voted


def correct(read: Weights, addresses: NDArray[np.int64], copies: Sequence[Weights], threshold: int) -> Weights:
    """A page as the die reads it: the vectorised twin of `hwsim.models.numerics.outlier_ecc.correct_page`."""
    result = np.where(magnitudes(read) > threshold, 0, read).astype(np.int8)
    result[addresses] = majority(read[addresses], copies[0], copies[1])
    return result


def protect(page: Weights) -> tuple[NDArray[np.int64], int]:
    """Addresses of the largest 1 % of a page (1-D), and the largest magnitude that is left."""
    count = max(1, PROTECTED * page.size // PAGE)
    order = np.argsort(-magnitudes(page), kind="stable")
    return np.sort(order[:count]), int(magnitudes(page[order[count]]))


def read_corrected(page: Weights, rate: float, generator: np.random.Generator) -> Weights:
    """What is read of a stored page (1-D) whose bits, and those of the copies, flip with probability ``rate``."""
    addresses, threshold = protect(page)
    read = flip_bits(page, rate, generator)
    copies = [flip_bits(page[addresses], rate, generator) for _ in range(COPIES)]
    return correct(read, addresses, copies, threshold)


def generated(shape: tuple[int, int], generator: np.random.Generator) -> tuple[Weights, float]:
    """Heavy-tailed weights in 8 bits under one scale: (values, scale)."""
    values = generator.standard_t(TAIL, shape) / np.sqrt(shape[1])
    scale = float(np.abs(values).max() / 127.0)
    return np.round(values / scale).astype(np.int8), scale


def choices(layers: list[tuple[Weights, float]], inputs: Floats) -> NDArray[np.int64]:
    """The class of every input: residual blocks of normalise, expand, rectify, contract; then a head."""
    state = inputs
    for index in range(BLOCKS):
        (up, up_scale), (down, down_scale) = layers[2 * index], layers[2 * index + 1]
        normal = state / np.sqrt(np.mean(state**2, axis=1, keepdims=True))
        inner = np.maximum(normal @ (up.T.astype(np.float32) * up_scale), 0.0)
        state = state + inner @ (down.T.astype(np.float32) * down_scale)
    head, scale = layers[-1]
    result: NDArray[np.int64] = np.argmax(state @ (head.T.astype(np.float32) * scale), axis=1)
    return result


@cache
def accuracy(rate: float, seed: int = 0) -> Accuracy:
    """Accuracy of the proxy at a raw bit error rate."""
    generator = np.random.default_rng(seed)
    shapes = [(INNER, WIDTH), (WIDTH, INNER)] * BLOCKS + [(CLASSES, WIDTH)]
    layers = [generated(shape, generator) for shape in shapes]
    inputs = generator.standard_normal((INPUTS, WIDTH)).astype(np.float32)
    clean = choices(layers, inputs)
    kept, errors = [], []
    for corrected in (True, False):
        flipped: list[tuple[Weights, float]] = []
        squares = total = 0.0
        for values, scale in layers:
            pages = values.reshape(-1, min(PAGE, values.size))
            if corrected:
                read = np.stack([read_corrected(page, rate, generator) for page in pages]).reshape(values.shape)
            else:
                read = flip_bits(values, rate, generator)
            squares += float(np.sum((read.astype(np.float64) - values) ** 2)) * scale**2
            total += float(np.sum(values.astype(np.float64) ** 2)) * scale**2
            flipped.append((read, scale))
        kept.append(float(np.mean(choices(flipped, inputs) == clean)))
        errors.append(squares / total)
    return Accuracy(kept[0], kept[1], errors[0], errors[1])


def voted_rate(rate: float, bits: int = 1 << 22, seed: int = 0) -> float:
    """Bit error rate after the majority of three copies, counted."""
    generator = np.random.default_rng(seed)
    zero = np.zeros(bits // 8, dtype=np.int8)
    voted = majority(*(flip_bits(zero, rate, generator) for _ in range(3)))
    return float(np.unpackbits(voted.view(np.uint8)).mean())


def ecc_rows() -> list[Row]:
    """The error-correction study against the published figures."""
    found = accuracy(RATE)
    given: dict[str, Any] = {"raw bit error rate": RATE, "network": f"{BLOCKS} residual blocks, {WIDTH} x {INNER}"}
    proxy = "proxy: agreement of a generated network with itself; published is the accuracy of language models"
    common: dict[str, Any] = {"system": "cambricon-llm", "source": SOURCE}
    return [
        Row(case="error correction", metric="accuracy kept", unit="", given=given, predicted=found.corrected,
            published="0.92-0.95", note=proxy, **common),
        Row(case="error correction", metric="accuracy over that without", unit="x", given=given,
            predicted=found.corrected / found.raw, published="2.3", note=proxy, **common),
        Row(case="three copies", metric="bit error rate after the vote", unit="", given={"raw bit error rate": 0.01},
            predicted=voted_rate(0.01), published="3e-4", system="cambricon-llm", source=TEXT),
        Row(case="spare area", metric="bytes of a page", unit="B", predicted=spare_bytes(PAGE, PROTECTED),
            published="722",
            given={"protected": PROTECTED, "copies": COPIES}, judged=False, system="cambricon-llm",
            note="the check bits of an address and the copies of the threshold are inferred from the total",
            source=TEXT),
    ]  # fmt: skip
