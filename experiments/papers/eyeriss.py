"""Eyeriss (JSSC 2017): latency and energy of every convolution of AlexNet (batch 4) and VGG-16 (batch 3), measured.

Given: the chip's structure, the layers, the share of zeros measured in each layer's input. Predicted: mapping, passes,
latency, power. Each network's energies are predicted with the two constants fitted on the other's: VGG-16's with those
of ``eyeriss.toml`` (AlexNet), AlexNet's with ``FITTED_ON_VGG_16``. ``python -m hwsim.experiments.papers.eyeriss``
repeats both fits. The published cost table gives one of the constants independently, as a row of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.experiments.reproduction import Row
from hwsim.models.catalog import read_device
from hwsim.models.npu.record import Npu
from hwsim.models.npu.row_stationary import best_mapping, convolution
from hwsim.models.npu.technology import operation_energy_j
from hwsim.operators import Convolution
from hwsim.rows import OperatorCost, lower

CHOICE = "no constant is a layer's; the preference among mappings was chosen to give the published active PEs"
TITLE = "Eyeriss: row-stationary convolution chip, per layer"
SOURCE = "Chen et al., JSSC 2017, doi 10.1109/JSSC.2016.2616357, table "

FITTED_ON_VGG_16 = {"power.idle": "204 mW", "energy.bf16": "4.22 pJ"}  # fitted: this module, VGG-16
NODE_NM = 65.0
COST_TABLE = "Chen et al., ISCA 2016, doi 10.1109/ISCA.2016.40, costs over that of a multiply-add"
STORE_ACCESSES = 4.0  # of a multiply-add: a filter word, an input word, a sum read and written, each 1 x a multiply-add


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer: channels, filters, input size, filter size, stride, padding, groups; what the chip measured."""

    network: str
    name: str
    shape: tuple[int, ...]
    power_mw: str
    latency_ms: str
    processing_ms: str
    active: int
    zeros: float
    output_zeros: float  # zeros of the next layer's input

    @property
    def batch(self) -> int:
        """Images of the measurement."""
        return 4 if self.network == "alexnet" else 3

    @property
    def source(self) -> str:
        """Table of the paper."""
        return SOURCE + ("V" if self.network == "alexnet" else "VI")

    @property
    def operator(self) -> Convolution:
        """The layer as an operator in 16 bit."""
        channels, filters, size, width, stride, padding, groups = self.shape
        return Convolution(
            name=self.name, batch=self.batch, input_channels=channels, output_channels=filters, input_rows=size,
            input_columns=size, filter_rows=width, filter_columns=width, stride=stride, padding=padding, groups=groups,
            dtype="fp16",
        )  # fmt: skip

    def cost(self) -> OperatorCost:
        """The chip's cost, the layer's zeros set."""
        return convolution(self._chip(), lower(self.operator))

    def active_pes(self) -> float:
        """Active PEs of the mapping found."""
        return best_mapping(self._chip(), lower(self.operator)).active

    def _chip(self) -> Npu:
        shares = {"local.zero_share": self.zeros, "local.output_zero_share": self.output_zeros}
        constants = FITTED_ON_VGG_16 if self.network == "alexnet" else {}
        chip: Npu = read_device("eyeriss", {**shares, **constants}).record
        return chip


# name, shape, power mW, total and processing latency ms, active PEs, zeros in the input
ALEXNET = [
    ("conv1", (3, 96, 227, 11, 4, 0, 1), "332", "20.9", "16.5", 154, 0.0001),
    ("conv2", (96, 256, 27, 5, 1, 2, 2), "288", "41.9", "39.2", 135, 0.387),
    ("conv3", (256, 384, 13, 3, 1, 1, 1), "266", "23.6", "21.8", 156, 0.725),
    ("conv4", (384, 384, 13, 3, 1, 1, 2), "235", "18.4", "16.0", 156, 0.793),
    ("conv5", (384, 256, 13, 3, 1, 1, 2), "236", "10.5", "10.0", 156, 0.776),
]
VGG_16 = [
    ("conv1_1", (3, 64, 224), "247", "76.2", "38.0", 156, 0.016),
    ("conv1_2", (64, 64, 224), "218", "910.3", "810.6", 156, 0.477),
    ("conv2_1", (64, 128, 112), "242", "470.3", "405.3", 156, 0.248),
    ("conv2_2", (128, 128, 112), "231", "894.3", "810.8", 156, 0.387),
    ("conv3_1", (128, 256, 56), "254", "241.1", "204.0", 156, 0.397),
    ("conv3_2", (256, 256, 56), "235", "460.9", "408.1", 156, 0.581),
    ("conv3_3", (256, 256, 56), "233", "457.7", "408.1", 156, 0.587),
    ("conv4_1", (256, 512, 28), "278", "135.8", "105.1", 168, 0.643),
    ("conv4_2", (512, 512, 28), "261", "254.8", "210.0", 168, 0.747),
    ("conv4_3", (512, 512, 28), "240", "246.3", "210.0", 168, 0.854),
    ("conv5_1", (512, 512, 14), "258", "54.3", "48.3", 163, 0.794),
    ("conv5_2", (512, 512, 14), "236", "53.7", "48.5", 168, 0.874),
    ("conv5_3", (512, 512, 14), "230", "53.7", "48.5", 168, 0.885),
]  # fmt: skip


def layers() -> list[Layer]:
    """Both networks' layers with what was measured."""
    found = []
    for network, table in (("alexnet", ALEXNET), ("vgg-16", VGG_16)):
        zeros = [float(entry[6]) for entry in table]
        for index, (name, shape, power, total, processing, active, zero) in enumerate(table):
            whole = (*shape, 3, 1, 1, 1) if len(shape) == 3 else shape
            found.append(
                Layer(
                    network=network, name=name, shape=whole, power_mw=power, latency_ms=total,
                    processing_ms=processing, active=active, zeros=zero,
                    output_zeros=zeros[min(index + 1, len(zeros) - 1)],
                )
            )  # fmt: skip
    return found


def rows() -> list[Row]:
    """Latency, processing time, power and energy of every layer, and its active PEs as context."""
    found = []
    for layer in layers():
        cost = layer.cost()
        given = {"batch": layer.batch, "zeros": layer.zeros, "clock": "200 MHz"}
        energy_mj = float(layer.power_mw) * float(layer.latency_ms) * 1e-3
        other = "vgg-16" if layer.network == "alexnet" else "alexnet"
        for metric, unit, predicted, published, judged, note in (
            ("latency", "ms", cost.latency_s * 1e3, layer.latency_ms, True, CHOICE),
            ("processing latency", "ms", cost.compute_s * 1e3, layer.processing_ms, True, CHOICE),
            ("energy", "mJ", cost.energy_j * 1e3, f"{energy_mj:.3g}", True,
             f"power times total latency; the two energy constants are those fitted on {other}"),
            ("active PEs", "", layer.active_pes(), str(layer.active), False, "mapping, exact where it is the chip's"),
        ):  # fmt: skip
            found.append(
                Row(
                    system="eyeriss", case=f"{layer.network} {layer.name}", metric=metric, unit=unit, given=given,
                    predicted=predicted, published=published, judged=judged, source=layer.source, note=note,
                )
            )  # fmt: skip
    fitted = 2.0 * read_device("eyeriss").record.energy_16bit_j
    found.append(
        Row(
            system="eyeriss", case="multiply-add of a non-zero input", metric="energy", unit="pJ",
            given={"accesses": STORE_ACCESSES, "node": "65 nm"}, predicted=multiply_add_j() * 1e12,
            published=f"{fitted * 1e12:.2f}", judged=False, source=COST_TABLE,
            note="five times a 16-bit multiply-add of that node, against the constant fitted on AlexNet",
        )
    )  # fmt: skip
    return found


def multiply_add_j() -> float:
    """Joules of a 16-bit multiply-add with its stores by the published cost table: each access costs one multiply-add.

    A 16-bit multiplier is four 8-bit ones (it grows with the square), its sum an addition of 32 bits.
    """
    alone = 4.0 * operation_energy_j("int8_multiply", NODE_NM) + operation_energy_j("int32_add", NODE_NM)
    return (1.0 + STORE_ACCESSES) * alone


def fit_energy(network: str = "alexnet") -> tuple[float, float]:
    """Power that does not depend on data (W) and energy of an operation on non-zero input (J), on a network's rows.

    Least squares of the relative error of energy over measured latency and non-zero operations.
    """
    import numpy as np

    table, ones = [], []
    for layer in layers():
        if layer.network == network:
            seconds = float(layer.latency_ms) * 1e-3
            energy = float(layer.power_mw) * 1e-3 * seconds
            table.append([seconds / energy, layer.operator.flops * (1.0 - layer.zeros) / energy])
            ones.append(1.0)
    power, operation = np.linalg.lstsq(np.array(table), np.array(ones), rcond=None)[0]
    return float(power), float(operation)


if __name__ == "__main__":
    for name in ("alexnet", "vgg-16"):
        power_w, operation_j = fit_energy(name)
        print(f'# {name}\n[power]\nidle = "{power_w * 1e3:.0f} mW"\n[energy]\nbf16 = "{operation_j * 1e12:.2f} pJ"')
