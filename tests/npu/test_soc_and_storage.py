"""Phones: units over one DRAM, the supplied curves, storage by block, range, core and queue; what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.cost import compiled
from hwsim.errors import DoesNotFitError, HwsimError, InputError, UnknownNameError
from hwsim.models.catalog import read_device
from hwsim.models.soc.cost import cpu_unit, npu_unit, operator_cost, product_rate, together_rate
from hwsim.models.storage.cost import BIG, LITTLE, MIDDLE, command_rate, random_rate, random_read_s, sequential_rate
from hwsim.models.storage.family import read_storage
from hwsim.operators import Matmul
from hwsim.rows import OperatorRow, lower

PHONES = ["snapdragon-8gen2", "snapdragon-8gen3"]
MICRO_BENCHMARK_S = {"npu": (0.9e-3, 2.0e-3), "gpu": (1.7e-3, 6.9e-3)}  # 64 x 2048 x 2048 and x 11008, recalled


@pytest.mark.parametrize("name", PHONES)
@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_a_network_runs_on_a_phone(name: str, phase: str) -> None:
    result = hwsim.simulate("qwen1.5-1.8b", on=name, phase=phase, prompt=256, weights="int8", activations="int8")
    assert result.latency_s > 0.0


def test_a_network_that_does_not_fit_a_phone_is_refused_with_its_size() -> None:
    with pytest.raises(DoesNotFitError, match=r"does not fit on snapdragon-8gen2"):
        hwsim.simulate("llama-2-13b", on="snapdragon-8gen2")


@pytest.mark.parametrize("unit", MICRO_BENCHMARK_S)
def test_a_unit_meets_the_micro_benchmark_its_curve_is_from(unit: str) -> None:
    found = hwsim.estimate(
        "snapdragon-8gen3", "matmul", m=64, n=[2048, 11008], k=2048, dtype="int8" if unit == "npu" else "fp16",
        unit=unit,
    )  # fmt: skip
    # The GPU's time of a call is not its intercept, so its small case is looser.
    assert list(found.latency_s) == pytest.approx(list(MICRO_BENCHMARK_S[unit]), rel=0.01 if unit == "npu" else 0.3)


def test_the_whole_phone_takes_the_fastest_unit_of_each_operator() -> None:
    phone = read_device("snapdragon-8gen3")
    for m in (1, 64, 512):
        row = lower(Matmul(name="matmul", m=m, n=4096, k=4096, dtype="int8"))
        fastest = min(unit.cost(unit.record, row).latency_s for unit in phone.units.values())
        assert phone.cost(phone.record, row).latency_s == fastest


def test_two_units_share_the_dram() -> None:
    soc = read_device("snapdragon-8gen3").record
    rate = together_rate(soc, cpu_unit(soc), npu_unit(soc))
    assert rate == 59.6e9 < soc.cpu_bandwidth_bytes_per_s + soc.npu_bandwidth_bytes_per_s


@given(rows=st.floats(1, 1e5), more=st.floats(1, 10))
def test_more_rows_never_run_at_a_lower_rate(rows: float, more: float) -> None:
    unit = npu_unit(read_device("snapdragon-8gen3").record)
    assert product_rate(unit, 6.0, 1.0, 32.0) == 0.5 * product_rate(unit, 6.0, 1.0, 64.0)
    assert product_rate(unit, 6.0, 1.0, rows * more) >= product_rate(unit, 6.0, 1.0, rows)


def test_the_compiled_phone_is_the_plain_one() -> None:
    soc = read_device("snapdragon-8gen3").record
    row = OperatorRow(*map(float, lower(Matmul(name="matmul", m=3, n=5, k=7, dtype="int8"))))
    assert tuple(compiled(operator_cost)(soc, row)) == pytest.approx(tuple(operator_cost(soc, row)))


def test_an_unknown_unit_is_refused_with_a_guess() -> None:
    with pytest.raises(InputError, match="did you mean 'npu'"):
        hwsim.estimate("snapdragon-8gen3", "matmul", m=1, n=1, k=1, dtype="int8", unit="npo")
    with pytest.raises(InputError, match="allowed: npu"):
        hwsim.estimate("tpu-v4", "matmul", m=1, n=1, k=1, dtype="int8", unit="gpu")


def test_a_phone_that_shares_more_than_its_dram_gives_is_refused() -> None:
    with pytest.raises(InputError, match=r"memory\.shared"):
        read_device("snapdragon-8gen3", {"memory.shared": "90 GB/s"})
    with pytest.raises(HwsimError, match=r"npu\.full_rows"):
        read_device("snapdragon-8gen3", {"npu.full_rows": 0})


def test_ufs_reads_at_the_measured_rates() -> None:
    ufs = read_storage("ufs-4.0")
    assert sequential_rate(ufs, 4096.0) == pytest.approx(450e6, rel=0.01)
    assert sequential_rate(ufs, 524288.0) == pytest.approx(4e9, rel=0.01)
    assert random_rate(ufs, 524288.0, 1e9, BIG, 1.0) == pytest.approx(3.5e9, rel=0.01)
    assert random_rate(ufs, 4096.0, 512e6, BIG, 1.0) == pytest.approx(850e6, rel=0.01)
    rates = [random_rate(ufs, 4096.0, 128e6, core, 1.0) for core in (BIG, MIDDLE, LITTLE)]
    assert [rate / rates[0] for rate in rates] == pytest.approx([1, 1007.95 / 1076.1, 761.87 / 1076.1], rel=0.01)
    assert random_rate(ufs, 4096.0, 128e6, BIG, 4.0) == pytest.approx(0.6e9)


@given(block=st.floats(512, 1e7), span=st.floats(1e3, 1e12))
def test_larger_blocks_and_narrower_ranges_are_never_slower(block: float, span: float) -> None:
    ufs = read_storage("ufs-4.0")
    assert sequential_rate(ufs, 2 * block) >= sequential_rate(ufs, block)
    assert command_rate(ufs, 2 * span) <= command_rate(ufs, span)
    assert random_read_s(ufs, 2.0, block, span, BIG, 1.0) == pytest.approx(
        2 * random_read_s(ufs, 1.0, block, span, BIG, 1.0)
    )
    assert random_rate(ufs, block, span, BIG, 1.0) <= ufs.stream_bytes_per_s


def test_storage_that_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"ufs-4\.0"):
        read_storage("ufs-4")
    with pytest.raises(InputError, match="command"):
        read_storage("ufs-4.0", {"command": "8 GB"})
    with pytest.raises(InputError, match="stream"):
        read_storage("ufs-4.0", {"stream": "0 GB/s"})


def test_a_unit_spends_its_power_while_busy_and_energy_for_the_bytes_it_moves() -> None:
    phone = read_device("snapdragon-8gen3")
    unit, row = phone.units["npu"], lower(Matmul(name="matmul", m=64, n=2048, k=2048, dtype="int8"))
    cost = unit.cost(unit.record, row)
    assert cost.energy_j == pytest.approx(1.54 * cost.latency_s + 40e-12 * row.bytes)
