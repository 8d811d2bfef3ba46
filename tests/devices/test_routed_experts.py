"""Routed experts on every family: a skewed routing moves work between experts, it makes none."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim.models.catalog import list_devices, read_device
from hwsim.operators import MixtureOfExperts
from hwsim.rows import OperatorCost, lower

WITHOUT_EXPERTS = {"lfads-u55c"}  # one network unrolled
DEVICES = [name for name in list_devices() if name not in WITHOUT_EXPERTS]
LEAST_SHARE, MOST_SHARE = 0.95, 1.4  # of the balanced time: experts without a token, tiles that are partly filled
PARTLY_FILLED = 0.25  # operations that a GPU adds: half a tile of 128 rows an expert of 256 tokens


def routed(device: Any, routing: str, **changes: float) -> OperatorCost:
    """4096 tokens, four of 64 experts each, on a device of which some fields are replaced."""
    moe = MixtureOfExperts(
        name="x", tokens=4096, hidden=2048, intermediate=1408, experts=64, top_k=4, routing=routing, dtype="bf16"
    )  # fmt: skip
    cost: OperatorCost = device.cost(device.record._replace(**changes), lower(moe))
    return cost


@pytest.mark.parametrize("routing", ["uniform", "power_law_0.6", "power_law_1.2"])
@pytest.mark.parametrize("name", DEVICES)
def test_skewed_routing_takes_about_the_time_of_a_balanced_one(name: str, routing: str) -> None:
    device = read_device(name)
    share = routed(device, routing).latency_s / routed(device, "balanced").latency_s
    assert LEAST_SHARE <= share <= MOST_SHARE, (name, routing, share)


@pytest.mark.parametrize("name", [name for name in DEVICES if not name.startswith("snapdragon")])
def test_energy_of_operations_does_not_know_how_tokens_are_routed(name: str) -> None:
    """Phones are left out: energy there is a unit's power and its time, so there is none of an operation."""
    device = read_device(name)
    alone = {field: 0.0 for field in device.record._fields if field.endswith(("_byte_j", "_bit_j"))}
    alone |= {"idle_power_w": 0.0, "power_limit_w": 1e9, "active_power_share": 0.0}
    if device.family == "flash":
        alone["energy_core_j"] = device.record.energy_npu_j  # which of the two does an operation is another question
    alone = {field: value for field, value in alone.items() if field in device.record._fields}
    balanced = routed(device, "balanced", **alone).energy_j
    assert balanced > 0.0
    for routing in ("uniform", "power_law_0.6", "power_law_1.2"):
        found = routed(device, routing, **alone).energy_j
        most = 1.0 + PARTLY_FILLED if device.family == "gpu" else 1.0 + 1e-9
        assert balanced * (1.0 - 1e-9) <= found <= balanced * most, (name, routing, found / balanced)
