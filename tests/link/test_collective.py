"""Collectives: laws, closed forms, the formats that a switch adds up, and the measured tables with asserted bounds."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.engine.schedule import Costing
from hwsim.errors import HwsimError, InputError
from hwsim.experiments.calibration import collective as calibration
from hwsim.experiments.calibration.toml_values import with_values
from hwsim.models.catalog import files, read_link
from hwsim.models.link.collective import collective, ring, tree
from hwsim.operators import Collective
from hwsim.rows import ALGORITHM_CODES, OPERATION_CODES, Runtime, lower

LINKS = sorted(files.names("links"))
MEASURED = importlib.util.find_spec("aiconfigurator_core") is not None


def cost_s(link: str, message_bytes: float, ranks: float = 8, dtype: str = "bf16", **rest: Any) -> float:
    elements = message_bytes / (1 if dtype == "int8" else 2)
    operator = Collective(name="c", ranks=ranks, elements=elements, dtype=dtype, **rest)
    record = read_link(link).record
    return collective(record, lower(operator)).latency_s


@settings(deadline=None)
@given(
    link=st.sampled_from(LINKS),
    operation=st.sampled_from(sorted(OPERATION_CODES)),
    algorithm=st.sampled_from(sorted(ALGORITHM_CODES)),
    ranks=st.sampled_from([2.0, 3.0, 4.0, 8.0, 16.0]),
    message_bytes=st.floats(1e2, 1e10),
    growth=st.floats(1.0, 100.0),
)
def test_a_larger_message_never_takes_less_and_none_beats_the_wire(
    link: str, operation: str, algorithm: str, ranks: float, message_bytes: float, growth: float
) -> None:
    rest: dict[str, Any] = {"operation": operation, "algorithm": algorithm}
    small = cost_s(link, message_bytes, ranks, **rest)
    assert cost_s(link, message_bytes * growth, ranks, **rest) >= small * (1 - 1e-12)
    received = message_bytes if operation == "send_recv" else message_bytes * (ranks - 1) / ranks
    record = read_link(link).record
    both = record.bandwidth_bytes_per_s + (record.node_devices > 1.0) * record.node_bandwidth_bytes_per_s
    assert small >= received / both
    nodes = -(-ranks // min(ranks, record.node_devices))
    if operation == "all_reduce" and algorithm != "one_shot" and nodes > 1:
        port = message_bytes / min(ranks, record.node_devices)  # what one port carries for its rank of each node
        twice = 1.0 + 1.0 / nodes if record.in_switch else 2.0 * (nodes - 1.0) / nodes
        assert small >= twice * port / record.bandwidth_bytes_per_s
    least = min(record.fixed_s, record.direct_fixed_s, record.peer_fixed_s)
    hop = min(record.latency_s, record.simple_hop_s, record.line_hop_s)
    hop = min(hop, record.node_latency_s) if record.node_devices > 1.0 else hop
    assert small >= least + hop * (algorithm == "nccl")


@given(link=st.sampled_from(LINKS), message_bytes=st.floats(1e2, 1e10), ranks=st.sampled_from([2.0, 8.0]))
def test_best_is_the_least_of_its_algorithms(link: str, message_bytes: float, ranks: float) -> None:
    times = {name: cost_s(link, message_bytes, ranks, algorithm=name) for name in ALGORITHM_CODES}
    assert times["best"] == pytest.approx(min(times["nccl"], times["one_shot"]))


@pytest.mark.parametrize("operation", ["all_gather", "reduce_scatter"])
def test_a_pass_of_the_ring_takes_about_half_of_an_all_reduce_of_a_large_message(operation: str) -> None:
    whole = cost_s("nvlink-3", 1e9)
    assert cost_s("nvlink-3", 1e9, operation=operation) == pytest.approx(whole / 2, rel=0.05)


def test_a_large_all_reduce_over_nvlink_3_reaches_the_bus_bandwidth_nccl_is_known_for() -> None:
    # NVIDIA nccl-tests, PERFORMANCE.md and DGX A100 results: 230 GB/s of bus bandwidth or a little more for eight.
    bus = 2 * 7 / 8 * 4e9 / cost_s("nvlink-3", 4e9)
    assert bus == pytest.approx(230e9, rel=0.2)


def test_over_a_network_many_ranks_form_trees_for_small_messages_and_rings_for_large_ones() -> None:
    small = [cost_s("infiniband-ndr", 4096, ranks) for ranks in (16.0, 256.0)]
    assert small[1] - small[0] == pytest.approx(2 * 4 * 5e-6, rel=0.01)  # log2: four more levels, up and down
    bandwidth = 50e9 * 0.8
    assert cost_s("infiniband-ndr", 10e9, 16.0) == pytest.approx(2 * 15 / 16 * 10e9 / bandwidth, rel=0.01)


def test_between_nodes_each_device_moves_its_part_through_its_own_port() -> None:
    """Sixteen H100 in two nodes: NCCL reaches some 350 GB/s of bus bandwidth and more over eight ports of 50 GB/s."""
    name = "infiniband-ndr-nvlink-4"
    record, large = read_link(name).record, 8e9
    within = 2 * 7 / 8 * large / record.node_bandwidth_bytes_per_s
    between = 2 * 1 / 2 * (large / 8) / (record.bandwidth_bytes_per_s * record.achieved)
    assert cost_s(name, large, 16.0) == pytest.approx(max(within, between), rel=0.01)
    assert 300e9 < 2 * 15 / 16 * large / cost_s(name, large, 16.0) < 400e9
    assert cost_s(name, large, 8.0) == pytest.approx(within, rel=0.01)
    assert cost_s(name, large, 16.0) < 0.2 * cost_s("infiniband-ndr", large, 16.0)
    hops = 2 * 7 * record.node_latency_s + 2 * record.latency_s
    assert cost_s(name, 1024, 16.0) == pytest.approx(record.fixed_s + hops, rel=0.02)


def test_between_nodes_small_messages_go_over_trees_and_large_ones_round_the_ring() -> None:
    name = "infiniband-ndr-nvlink-4"
    record = read_link(name).record
    small = [cost_s(name, 4096, ranks) for ranks in (32.0, 512.0)]  # 4 and 64 nodes: four levels more, up and down
    assert small[1] - small[0] == pytest.approx(2 * 4 * record.latency_s, rel=0.02)
    for size, trees in ((4096.0, True), (10e9, False)):
        assert (tree(record, 8.0, size / 8.0) < ring(record, 8.0, size / 8.0, 2.0)) == trees


@settings(deadline=None)
@given(
    link=st.sampled_from(LINKS), operation=st.sampled_from(sorted(OPERATION_CODES)),
    ranks=st.sampled_from([2.0, 8.0, 16.0, 64.0]), message_bytes=st.floats(1e2, 1e10),
    field=st.sampled_from(["bandwidth_bytes_per_s", "node_bandwidth_bytes_per_s", "achieved", "direct_achieved"]),
)  # fmt: skip
def test_a_wider_link_is_never_slower(
    link: str, operation: str, ranks: float, message_bytes: float, field: str
) -> None:
    record = read_link(link).record
    row = lower(Collective(name="c", ranks=ranks, elements=message_bytes / 2, operation=operation, algorithm="best"))
    wider = record._replace(**{field: 1.3 * getattr(record, field)})
    assert collective(wider, row).latency_s <= collective(record, row).latency_s * (1 + 1e-12)


@given(link=st.sampled_from(LINKS), message_bytes=st.floats(1e2, 1e10), ranks=st.sampled_from([2.0, 4.0, 8.0, 32.0]))
def test_more_ranks_never_reduce_sooner_nor_does_all_reduce_beat_its_half(
    link: str, message_bytes: float, ranks: float
) -> None:
    whole = cost_s(link, message_bytes, ranks)
    if not read_link(link).record.in_switch:  # a switch adds up what a ring passes on: it moves 1 + 1/N of the message
        assert cost_s(link, message_bytes, 2 * ranks) >= whole * (1 - 1e-12)
        assert whole >= cost_s(link, message_bytes, ranks, operation="reduce_scatter") * (1 - 1e-12)


def test_inside_a_node_hops_grow_with_the_ranks() -> None:
    times = [cost_s("nvlink-4", 512, ranks) for ranks in (2.0, 4.0, 8.0)]
    hop = read_link("nvlink-4").record.latency_s
    assert times[2] - times[1] == pytest.approx(8 * hop, rel=0.1)
    assert times[1] - times[0] == pytest.approx(4 * hop, rel=0.1)


def test_one_shot_wins_for_small_messages_only() -> None:
    assert cost_s("nvlink-4", 8192, algorithm="one_shot") < 0.5 * cost_s("nvlink-4", 8192)
    assert cost_s("nvlink-4", 1e8, algorithm="one_shot") > cost_s("nvlink-4", 1e8)


def test_the_switch_adds_16_bit_values_up_but_no_8_bit_ones() -> None:
    assert cost_s("nvlink-4", 5e8) < 0.9 * cost_s("nvlink-4", 5e8, dtype="int8")
    assert cost_s("nvlink-3", 5e8) == pytest.approx(cost_s("nvlink-3", 5e8, dtype="int8"))


def test_the_message_is_what_was_said_in_bytes_whatever_the_format() -> None:
    found = {
        dtype: hwsim.estimate("a100-sxm-80gb", "collective", ranks=8, message_bytes=1e6, dtype=dtype).latency_s
        for dtype in ("fp32", "bf16", "fp16", "int8", "int4")
    }
    assert max(found.values()) == pytest.approx(min(found.values()))


def test_arrays_of_ranks_and_bytes_are_broadcast() -> None:
    found = hwsim.estimate("h100-sxm-80gb", "collective", ranks=[[2], [8]], message_bytes=[1e4, 1e6, 1e8])
    assert found.latency_s.shape == (2, 3)
    assert (np.diff(found.latency_s, axis=1) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"algorithm": "nvsl"}, ["algorithm", "nvsl", "did you mean", "nvls"]),
        ({"operation": "allreduce"}, ["operation", "allreduce", "all_reduce"]),
        ({"dtype": "float"}, ["float"]),
        ({"ranks": 0}, ["ranks"]),
        ({"message_bytes": -1.0}, ["elements"]),
        ({"device": "a100-sxm-80gb", "algorithm": "nvls"}, ["nvls", "nvlink-3"]),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_allowed(arguments: dict[str, Any], words: list[str]) -> None:
    given_ = {"device": "h100-sxm-80gb", "ranks": 8, "message_bytes": 1e6, **arguments}
    with pytest.raises(HwsimError) as caught:
        hwsim.estimate(given_.pop("device"), "collective", **given_)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("system", ["8x h100-sxm-80gb", "8x gaudi2-96gb", "8x mi300x-192gb over ethernet-100g"])
def test_the_joules_of_a_collective_are_of_one_device_with_its_board_and_the_same_in_a_run(system: str) -> None:
    whole = hwsim.system(system)
    found = hwsim.estimate(whole, "collective", message_bytes=1e6, ranks=8)
    row = Collective(name="c", ranks=8, elements=5e5, dtype="bf16")
    assert whole.link is not None
    moved = whole.link.cost(whole.link.record, lower(row)).energy_j
    board_w = whole.device.collective_w(whole.device.record)
    assert found.energy_j == pytest.approx(moved + board_w * found.latency_s)
    assert found.energy_j >= whole.device.idle_power_w * found.latency_s
    cost = Costing(whole, Runtime(0.0, 0.0, 0.0)).cost(row)
    assert (found.latency_s, found.energy_j) == (cost.latency_s, cost.energy_j)


def test_collectives_over_a_less_sure_link_take_its_residuals_and_others_keep_the_devices() -> None:
    system = hwsim.system("8x h100-sxm-80gb over ethernet-100g")
    assert system.link is not None
    wide = replace(system.device.residuals["collective wide"], low=(0.1,) * 4, high=(9.0,) * 4)
    unsure = replace(system, link=replace(system.link, residuals={"collective wide": wide}))
    found = hwsim.estimate(unsure, "collective", message_bytes=1e6, ranks=8)
    assert found.low_s == pytest.approx(0.1 * found.latency_s) and found.high_s == pytest.approx(9 * found.latency_s)
    product = {"m": 64, "n": 64, "k": 64}
    assert hwsim.estimate(unsure, "matmul", **product) == hwsim.estimate(system.device, "matmul", **product)
    sure = replace(unsure, link=replace(unsure.link, status={"latency": "calibrated"}))  # type: ignore[type-var]
    kept = hwsim.estimate(sure, "collective", message_bytes=1e6, ranks=8)
    assert kept.high_s < 2 * kept.latency_s and kept.basis == "calibrated"


@pytest.mark.skipif(not MEASURED, reason="the measured tables come with the extra validation")
@pytest.mark.parametrize(
    ("device", "bound"),
    [("a100-sxm-80gb", 0.10), ("h100-sxm-80gb", 0.08), ("h200-sxm-141gb", 0.08), ("rtx-pro-6000-96gb", 0.27)],
)
def test_all_reduce_lies_within_the_published_error_of_the_measured_tables(device: str, bound: float) -> None:
    from hwsim.validation.scoring import predict, score
    from hwsim.validation.targets import load

    for targets in load("collective", device):
        if "all_reduce fp16" in targets.table or "all_reduce int8" in targets.table:
            held = targets.where(targets.held_out) if device in ("a100-sxm-80gb", "h100-sxm-80gb") else targets
            found = score(held, predict(held))
            assert found is not None
            assert found.mape < bound, targets.table


@pytest.mark.skipif(not MEASURED, reason="the measured tables come with the extra validation")
def test_the_fit_refuses_a_device_that_is_kept_unseen() -> None:
    with pytest.raises(InputError, match="h200-sxm-141gb.*zero-shot"):
        calibration.points_to_fit("h200-sxm-141gb")


def test_fitted_values_replace_only_their_lines_and_say_where_they_come_from() -> None:
    text = '# links\nfixed = "1 us"  # old\n[protocol]\nchunk = "2 B"\n[peer]\nchunk = "3 B"\n'
    after = with_values(text, {"peer.chunk": '"4 B"'}, "fitted: command")
    assert after == text.replace('chunk = "3 B"', 'chunk = "4 B"  # fitted: command')
    with pytest.raises(InputError, match=r"peer\.ramp"):
        with_values(text, {"peer.ramp": "1"}, "fitted")
