"""Cambricon-LLM: decode speed, ablations, bytes and joules a token, offloading baselines, error correction.

Yu et al., MICRO 2024, arXiv 2409.15654. The authors simulated all their figures (SSDsim and an NPU simulator of their
own). Given: table II, the networks, 8-bit weights, activations and KV. Nothing is fitted to a row.

Context: 700 MB of KV are published as enough for the 70B network. At full heads that is 534 tokens in 8 bits, so 512
are used. The bytes a token that are published for the 70B network on S (24.2 GB) are those of full key-value heads,
78.4 GB of weights; those of FlexGen (210.7 GB) and the joules are those of the network as it is, with grouped heads.
The paper is not of one piece here, so each figure of the 70B network on S and L is judged twice: of the network of the
catalog, as anybody would run it, and of the one with full heads.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import hwsim
from hwsim.experiments.papers._cambricon_ecc import ecc_rows
from hwsim.experiments.reproduction import Row
from hwsim.hardware import Device
from hwsim.models.catalog import read_link
from hwsim.models.flash.area import CORE_NODE_NM, buffer_mm2, multiply_adds_mm2
from hwsim.models.flash.cost import stored_product
from hwsim.models.flash.tiling import plan_product, plan_seconds
from hwsim.models.flash.writing import write_energy_j, write_rate
from hwsim.result import Result
from hwsim.rows import MATMUL, lower

TITLE = "Cambricon-LLM: flash chiplets with compute cores and an NPU (arXiv 2409.15654, simulated by the authors)"
SOURCE = "arXiv 2409.15654, figs 9 and 11-16; simulated by the authors"
BASELINE = "arXiv 2409.15654, figs 9 and 11-16; baseline, 13B and 30B read from the labels of bars"
CONTEXT = 512
GB = 1e9
SSD_BANDWIDTH_BYTES_PER_S = 7.0e9  # sequential read of an Intel data-centre NVMe drive on four lanes of PCIe 4.0
COPY_SHARE = 0.8  # (assumption) of the lanes, one way from pinned memory: 256-byte payloads with headers, flow control
SSD_PATH_BITS_J = 19e-12 + 4e-12 + 2 * 5e-12 + 2 * 15e-12  # NAND, ONFI, PCIe twice, DDR4 written and read

NETWORKS = ("opt-6.7b", "opt-13b", "opt-30b", "opt-66b", "llama-2-7b", "llama-2-13b", "llama-2-70b")
# Published figures by network in the order of NETWORKS.
SPEED = {
    "s": ("3.56", "1.9", "0.8", "0.4", "3.55", "1.9", "0.3"),
    "l": ("36.34", "14.2", "7.6", "2.59", "34.0", "14.0", "3.44"),
}
NO_TILING = ("2.7", "1.4", "0.6", "0.3", "2.6", "1.4", "0.2")
MOVED_GB = ("1.9", "4.1", "9.3", "20.5", "2.0", "4.1", "24.2")
ENERGY_J = ("1", "2", "5", "11", "1", "2", "11")
FLEXGEN_MOVED_GB = ("20.2", "39.2", "90.3", "198.6", "21.1", "39.2", "210.7")
FLEXGEN_ENERGY_J = ("1.6", "3.1", "7.2", "15.8", "1.7", "3.1", "16.8")
FLEXGEN_SSD = {"opt-6.7b": "0.81", "opt-13b": "0.4", "opt-30b": "0.2", "opt-66b": "0.117"}
FLEXGEN_DRAM = {"opt-6.7b": "3.5", "opt-13b": "2.0", "opt-30b": "0.8", "opt-66b": "0.38"}
FULL_HEADS = "llama-2-70b, full heads"
CASES = (*NETWORKS, FULL_HEADS)


def _cases(published: tuple[str, ...]) -> list[tuple[str, str]]:
    """Networks with their published figures; the last figure is judged of both readings of the 70B network."""
    return list(zip(CASES, (*published, published[-1]), strict=True))


class Traffic(NamedTuple):
    """What one token moves and how busy the channels are."""

    bus_bytes: float  # over the channels: plain reads, inputs and results of the cores
    bus_use: float  # share of the channels' bandwidth while weights are computed


@cache
def network(name: str) -> Any:
    """A network of the catalog, or the 70B one with full key-value heads, as its published bytes imply."""
    if name != FULL_HEADS:
        return hwsim.network(name)
    import json
    from importlib.resources import files

    from hwsim.mappers.networks.reading import read_config

    path = files("hwsim.mappers").joinpath("catalog/networks/llama-2-70b.json")
    values = {**json.loads(path.read_text(encoding="utf-8")), "num_key_value_heads": 64}
    return read_config(values, source=name, name="llama-2-70b-full-heads")


def device(variant: str, **changes: str) -> Device:
    """A variant (s, m, l), with some fields of its file changed."""
    return hwsim.device(f"cambricon-llm-{variant}", **changes)


def device_unit(name: str, unit: str) -> Device:
    """A processor of a system on a chip, as a device of its own."""
    return hwsim.device(name).units[unit]


@cache
def decode(name: str, variant: str, **changes: str) -> Result:
    """One decode step in 8 bits."""
    return hwsim.simulate(
        network(name), on=device(variant, **changes), context=CONTEXT, weights="int8", activations="int8"
    )


def speed(name: str, variant: str, **changes: Any) -> float:
    """Tokens/s."""
    result = decode(name, variant, **changes)
    assert result.tokens_per_s is not None
    return result.tokens_per_s


def traffic(name: str, variant: str, **changes: str) -> Traffic:
    """Bytes a token, from the plan of every product."""
    flash = device(variant, **changes).record
    graph = network(name).graph(
        phase="decode", batch=1, prompt=1, context=CONTEXT, weights="int8", activations="int8", kv="int8"
    )
    bus = seconds = 0.0
    for node in graph:
        row = lower(node.operator)
        if row.kind == MATMUL:
            plan = plan_product(flash, stored_product(row, row.batch, row.m, row.n, row.k))
            bus += plan.bus_bytes * node.count
            seconds += plan_seconds(plan) * node.count
    return Traffic(bus, bus / (flash.channels * flash.bus_bandwidth_bytes_per_s * seconds))


def _row(case: str, metric: str, unit: str, predicted: float | None, published: str, **more: Any) -> Row:
    given = more.pop("given", {"context": CONTEXT, "formats": "int8"})
    source = more.pop("source", SOURCE)
    return Row(
        system="cambricon-llm", case=case, metric=metric, unit=unit, given=given, predicted=predicted,
        published=published, source=source, **more,
    )  # fmt: skip


def speed_rows() -> list[Row]:
    """Tokens/s of S and L on every network; M, of which no figure is at hand, as a prediction."""
    found = [
        _row(f"{variant.upper()}, {name}", "decode speed", "token/s", speed(name, variant), digits)
        for variant, published in SPEED.items()
        for name, digits in _cases(published)
    ]
    return found + [
        _row(f"M, {name}", "decode speed", "token/s", speed(name, "m"), "", judged=False, source="prediction")
        for name in NETWORKS
    ]


def ablation_rows() -> list[Row]:
    """Without the NPU's share, without slices, with other tiles; how busy the channels are."""
    found = [
        _row(f"S without tiling, {name}", "decode speed", "token/s", speed(name, "s", tiling__npu="0"), digits)
        for name, digits in _cases(NO_TILING)
    ]
    whole, sliced = {"bus__slicing": "0"}, speed("opt-6.7b", "s")
    found.append(_row("S without slicing, opt-6.7b", "decode speed", "token/s", speed("opt-6.7b", "s", **whole), "2.2"))
    for name in CASES:
        ratio = speed(name, "s") / speed(name, "s", **whole)
        found.append(_row(f"S, {name}", "gain of slicing", "x", ratio, "1.6-1.8"))
    for name in CASES:
        case = f"S, {name}"
        found.append(_row(case, "channel use", "", traffic(name, "s").bus_use, "0.79-0.91"))
        use = traffic(name, "s", **whole).bus_use
        found.append(_row(f"{case}, without slicing", "channel use", "", use, "0.48-0.50"))
        use = traffic(name, "s", tiling__npu="0").bus_use
        found.append(_row(f"{case}, without tiling", "channel use", "", use, "0.02-0.03"))
    for columns, shape, gain in (("4096", "128 x 4096", "1.175"), ("128", "4096 x 128", "1.247")):
        ratio = sliced / speed("opt-6.7b", "s", tiling__columns=columns)
        case = f"S, opt-6.7b, tile 256 x 2048 over {shape}"
        found.append(_row(case, "gain of the tile", "x", ratio, gain))
    return found


def cost_rows() -> list[Row]:
    """Bytes (without KV) and joules a token: S, and offloading from an SSD, where weights cross three links."""
    found = []
    given = {"formats": "int8", "links": "channels"}
    for (name, moved), (_, joule) in zip(_cases(MOVED_GB), _cases(ENERGY_J), strict=True):
        total = traffic(name, "s").bus_bytes / GB
        found.append(_row(f"S, {name}", "bytes moved a token", "GB", total, moved, given=given))
        found.append(_row(f"S, {name}", "energy a token", "J", decode(name, "s").energy_j, joule))
    for index, name in enumerate(NETWORKS):
        stored = hwsim.network(name).weight_bytes("int8")
        given = {"formats": "int8", "links": "SSD to DRAM, DRAM to PCIe, PCIe to GPU"}
        found.append(
            _row(f"FlexGen-SSD, {name}", "bytes moved a token", "GB", 3.0 * stored / GB, FLEXGEN_MOVED_GB[index],
                 given=given)
        )  # fmt: skip
        joules = 8.0 * stored * SSD_PATH_BITS_J
        given = {"formats": "int8", "pJ a bit": "NAND 19, ONFI 4, PCIe 2 x 5, DDR4 2 x 15"}
        found.append(
            _row(f"FlexGen-SSD, {name}", "energy a token", "J", joules, FLEXGEN_ENERGY_J[index], given=given,
                 note="63 pJ a stored bit; the published 30 are close to all but the two passes of DDR4 (33)")
        )  # fmt: skip
    return found


def writing_rows() -> list[Row]:
    """Seconds and joules to write a network's weights: programs bind; a prediction, nothing is published."""
    found = []
    for variant in SPEED:
        flash = device(variant).record
        stored = hwsim.network("opt-6.7b").weight_bytes("int8")
        given = {"tPROG": "450 us", "tBERS": "5 ms a block of 256 pages"}
        common: dict[str, Any] = {"judged": False, "given": given, "source": "prediction"}
        case = f"{variant.upper()}, opt-6.7b, weights written"
        found.append(_row(case, "latency", "s", stored / write_rate(flash), "", **common))
        found.append(_row(case, "energy", "J", write_energy_j(flash, stored), "", **common))
    return found


def core_rows() -> list[Row]:
    """Power and area of an on-die core (table IV as far as it is legible; area is context)."""
    flash = device("s").record
    watts = 2.0 * flash.core_macs * flash.core_clock_hz * flash.energy_core_j
    given = {"node": "65 nm", "rate": "1.6 GOPS", "buffers": "2 x 2 KiB"}
    note = "cells scaled with the square of the node; a third of a small macro is cells"
    buffers = buffer_mm2(2.0 * flash.core_buffer_bytes, CORE_NODE_NM) * 1e6
    adders = multiply_adds_mm2(flash.core_macs, CORE_NODE_NM) * 1e6
    return [
        _row("core", "power", "uW", watts * 1e6, "1935.6", given=given),
        _row("core, buffers", "area", "um2", buffers, "58755", given=given, judged=False, note=note),
        _row("core, multiply-adders", "area", "um2", adders, "562.0", given=given, judged=False, note=note),
    ]


def flexgen_speed(name: str, from_ssd: bool) -> float:
    """Tokens/s of offloading: a layer is read into pinned memory, then copied over PCIe to the GPU.

    FlexGen's copy threads (four) take a tensor of the layer each and share the drive, so all reads of a layer end
    together; only then do the tensors cross PCIe, and the next layer waits for all of them.
    """
    link = read_link("pcie-4").record
    seconds_a_byte = 1.0 / (link.bandwidth_bytes_per_s * COPY_SHARE)
    if from_ssd:
        seconds_a_byte += 1.0 / SSD_BANDWIDTH_BYTES_PER_S
    return float(1.0 / (hwsim.network(name).weight_bytes("int8") * seconds_a_byte))


def baseline_rows() -> list[Row]:
    """FlexGen from SSD and from DRAM, MLC-LLM, and the headline ratio."""
    found = []
    for case, from_ssd, published in (("FlexGen-SSD", True, FLEXGEN_SSD), ("FlexGen-DRAM", False, FLEXGEN_DRAM)):
        given = {"formats": "int8", "PCIe 4.0 x16": "31.5 GB/s x 0.8", **({"SSD": "7 GB/s"} if from_ssd else {})}
        for name, digits in published.items():
            found.append(
                _row(f"{case}, {name}", "decode speed", "token/s", flexgen_speed(name, from_ssd), digits,
                     given=given, source=BASELINE)
            )  # fmt: skip
    for name, digits in (("opt-6.7b", "44.8"), ("opt-66b", "22.1")):
        ratio = speed(name, "l") / flexgen_speed(name, True)
        found.append(_row(f"L over FlexGen-SSD, {name}", "speed-up", "x", ratio, digits))
    for name, digits in (("opt-6.7b", "10.3"), ("opt-66b", "6.8")):
        ratio = speed(name, "l") / flexgen_speed(name, False)
        found.append(_row(f"L over FlexGen-DRAM, {name}", "speed-up", "x", ratio, digits))
    gpu = device_unit("snapdragon-8gen2", "gpu")
    phone = hwsim.simulate("llama-2-7b", on=gpu, context=CONTEXT, weights="int4:g32", activations="fp16")
    asked: dict[str, Any] = {
        "weights": "int4:g32",
        "context": CONTEXT,
        "device": "GPU of a Snapdragon 8 Gen 2",
    }
    found.append(
        _row("MLC-LLM, llama-2-7b", "decode speed", "token/s", phone.tokens_per_s, "7.58", given=asked, source=BASELINE,
             note="the GPU's bandwidth and time a call are assumptions of its file, not fitted to this row")
    )  # fmt: skip
    return found


def rows() -> list[Row]:
    """All published figures of the paper."""
    return [*speed_rows(), *ablation_rows(), *cost_rows(), *core_rows(), *writing_rows(), *baseline_rows(), *ecc_rows()]
