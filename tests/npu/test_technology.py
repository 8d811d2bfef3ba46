"""Energy and area by node: the published points, what is scaled between, the devices' own figures beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.models.catalog import read_device
from hwsim.models.npu.technology import (
    OPERATIONS_PJ,
    SRAM_PJ,
    array_area_mm2,
    cell_area_um2,
    dram_energy_byte_j,
    multiply_add_energy_j,
    npu_area_mm2,
    operation_energy_j,
    sram_area_mm2,
    sram_energy_byte_j,
    wiring_factor,
)

NODES = st.floats(5.0, 65.0)


@pytest.mark.parametrize("operation", OPERATIONS_PJ)
def test_the_published_energies_are_met_at_both_nodes(operation: str) -> None:
    assert operation_energy_j(operation, 45.0) == pytest.approx(OPERATIONS_PJ[operation][0] * 1e-12)
    assert operation_energy_j(operation, 7.0) == pytest.approx(OPERATIONS_PJ[operation][1] * 1e-12)


@pytest.mark.parametrize("capacity", SRAM_PJ)
def test_the_published_memories_are_met(capacity: int) -> None:
    assert sram_energy_byte_j(capacity, 45.0) == pytest.approx(SRAM_PJ[capacity][0] / 8 * 1e-12)


@given(node=NODES, larger=st.floats(1.0, 2.0), capacity=st.floats(64, 1e9))
def test_a_larger_node_or_memory_never_takes_less(node: float, larger: float, capacity: float) -> None:
    wider = min(65.0, node * larger)
    assert multiply_add_energy_j("fp16", wider) >= multiply_add_energy_j("fp16", node) * (1 - 1e-9)
    assert sram_energy_byte_j(capacity * larger, node) >= sram_energy_byte_j(capacity, node) * (1 - 1e-9)
    assert cell_area_um2("int8", wider) >= cell_area_um2("int8", node) * (1 - 1e-9)


def test_the_floor_plan_of_tpu_v1_is_met_by_construction() -> None:
    assert array_area_mm2(65536, "int8", 28.0) == pytest.approx(0.24 * 331, rel=0.001)
    assert sram_area_mm2(24 * 2**20, 28.0) == pytest.approx(0.29 * 331, rel=0.001)


def test_a_larger_array_or_memory_takes_more_area() -> None:
    npu = read_device("tpu-v4").record
    plain = npu_area_mm2(npu, 7.0)
    assert npu_area_mm2(npu._replace(array_rows=2 * npu.array_rows), 7.0) > plain
    memory = npu_area_mm2(npu._replace(sram_bytes=2 * npu.sram_bytes), 7.0) - plain
    assert memory == pytest.approx(sram_area_mm2(npu.sram_bytes, 7.0))


def test_eyeriss_core_is_within_20_percent_of_its_12_25_mm2() -> None:
    # JSSC 2017: core of 3.5 mm x 3.5 mm at 65 nm; stores of a PE are 260 words of 16 bits.
    area = read_device("eyeriss").area_mm2
    assert set(area) == {"arrays", "stores", "sram"}
    assert sum(area.values()) == pytest.approx(12.25, rel=0.20)


@pytest.mark.parametrize(
    "name", ["tpu-v3-chip", "tpu-v4", "tpu-v6e", "ascend-910b-64gb", "gaudi2-96gb", "gaudi3-128gb"]
)
def test_arrays_and_memory_fit_a_reticle(name: str) -> None:
    area = read_device(name).area_mm2
    assert 100.0 < sum(area.values()) < 858.0
    assert min(area.values()) > 0.0


def test_the_energies_of_the_device_files_lie_above_the_bare_arithmetic_and_below_ten_times_it() -> None:
    for name, node in (("tpu-v3-chip", 16.0), ("tpu-v4", 7.0), ("tpu-v6e", 5.0), ("ascend-910b-64gb", 7.0)):
        npu = read_device(name).record
        bare = operation_energy_j("fp16_multiply", node) / 2.0
        assert bare < npu.energy_16bit_j < 10.0 * bare, name
    eyeriss = read_device("eyeriss").record
    assert operation_energy_j("int8_multiply", 65.0) < eyeriss.energy_16bit_j


def test_memory_energy_is_that_of_the_pins() -> None:
    assert dram_energy_byte_j("hbm2") == pytest.approx(43.75e-12)
    assert read_device("tpu-v4").record.energy_memory_byte_j == pytest.approx(7.0e-12 * 8)
    assert wiring_factor() > 1.0


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: operation_energy_j("int8_multiplly", 45), "did you mean 'int8_multiply'"),
        (lambda: operation_energy_j("int8_multiply", 3), "node"),
        (lambda: multiply_add_energy_j("int9", 45), "int9"),
        (lambda: sram_energy_byte_j(0, 45), "capacity"),
        (lambda: dram_energy_byte_j("hbm9"), "hbm9"),
        (lambda: cell_area_um2("int9", 45), "int9"),
    ],
)
def test_what_is_not_published_is_refused(call: object, word: str) -> None:
    assert callable(call)
    with pytest.raises(InputError, match=word):
        call()
