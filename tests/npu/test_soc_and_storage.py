"""Phones: units over one DRAM, the supplied curves, storage by block, range, core and queue; what is refused."""

from __future__ import annotations

import numpy as np
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
# Table 3 of arXiv 2407.05858 on a Snapdragon 8 Gen 3: (m, k, n), then ms of NPU INT8, CPU INT8, GPU FP16, NPU FP16.
TABLE_3 = {
    (64, 2048, 2048): (0.9, 4.2, 1.7, 252),
    (64, 2048, 8192): (1.5, 6.8, 4.8, 986),
    (64, 2048, 11008): (2.0, 11.6, 6.9, 1207),
    (32, 4096, 4096): (1.7, 7.5, 3.1, 1054),
    (32, 4096, 8192): (2.9, 13.1, 7.7, 2009),
    (32, 4096, 11008): (4.1, 19.6, 10.4, 3112),
}
COLUMNS = {("npu", "int8"): 0, ("cpu", "int8"): 1, ("gpu", "fp16"): 2, ("npu", "fp16"): 3}


@pytest.mark.parametrize("name", PHONES)
@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_a_network_runs_on_a_phone(name: str, phase: str) -> None:
    result = hwsim.simulate("qwen1.5-1.8b", on=name, phase=phase, prompt=256, weights="int8", activations="int8")
    assert result.latency_s > 0.0


def test_a_network_that_does_not_fit_a_phone_is_refused_with_its_size() -> None:
    with pytest.raises(DoesNotFitError, match=r"does not fit on snapdragon-8gen2"):
        hwsim.simulate("llama-2-13b", on="snapdragon-8gen2")


def test_the_npus_call_and_rate_are_the_line_through_the_published_products() -> None:
    unit = npu_unit(read_device("snapdragon-8gen3").record)
    seconds = np.array([values[0] * 1e-3 for values in TABLE_3.values()])
    weights = np.array([k * n for _, k, n in TABLE_3], dtype=float)
    relative = np.column_stack([1.0 / seconds, weights / seconds])
    (call, each), *_ = np.linalg.lstsq(relative, np.ones(len(seconds)), rcond=None)
    assert unit.call_s == pytest.approx(call, rel=0.002)
    assert unit.rate_int8 == pytest.approx(2.0 * unit.full_rows / each, rel=0.002)


@pytest.mark.parametrize(
    ("unit", "dtype", "fewest", "bound"),
    [
        ("npu", "int8", 32, 0.14),
        ("npu", "fp16", 64, 0.17),  # 32 rows take the time of 64, which a format below the vector unit's rate has not
        ("cpu", "int8", 32, 0.71),  # one rate for 128 to 316 GOP/s
        ("gpu", "fp16", 32, 0.38),
    ],
)
def test_a_unit_meets_the_published_products_that_its_rates_are_from(
    unit: str, dtype: str, fewest: int, bound: float
) -> None:
    cases = [(shape, 1e-3 * values[COLUMNS[unit, dtype]]) for shape, values in TABLE_3.items() if shape[0] >= fewest]
    m, k, n = np.array([shape for shape, _ in cases], dtype=float).T
    found = hwsim.estimate("snapdragon-8gen3", "matmul", m=m, k=k, n=n, dtype=dtype, unit=unit)
    assert np.abs(found.latency_s / np.array([seconds for _, seconds in cases]) - 1.0).max() < bound


def test_the_npu_multiplies_floating_point_at_its_measured_rate_and_not_at_its_vector_units() -> None:
    unit = npu_unit(read_device("snapdragon-8gen3").record)
    assert product_rate(unit, 2.0, 2.0, 1024.0) == unit.rate_16bit < unit.vector_per_s
    assert product_rate(unit, 6.0, 1.0, 1.0) == unit.vector_per_s


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
    # The curve by range belongs to a middle core, whose 1008 MB/s are its 1 GB/s.
    assert random_rate(ufs, 4096.0, 128e6, MIDDLE, 1.0) == pytest.approx(1007.95e6, rel=0.01)
    assert random_rate(ufs, 4096.0, 512e6, MIDDLE, 1.0) == pytest.approx(850e6, rel=0.01)
    rates = [random_rate(ufs, 4096.0, 128e6, core, 1.0) for core in (BIG, MIDDLE, LITTLE)]
    assert [rate / rates[0] for rate in rates] == pytest.approx([1, 1007.95 / 1076.1, 761.87 / 1076.1], rel=0.01)
    assert random_rate(ufs, 4096.0, 128e6, BIG, 4.0) == pytest.approx(0.6 * 1076.1e6)


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
