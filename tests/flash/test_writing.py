"""Writing flash: closed forms of programs, channels and links, energy, load time, a spilled KV cache."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.cost import compiled
from hwsim.models.catalog import read_device
from hwsim.models.flash.ssd import MQSIM, NVME_TLC
from hwsim.models.flash.writing import drive_write_rate, spill_s, write_energy_j, write_rate

S = read_device("cambricon-llm-s").record


def test_writes_to_s_are_bound_by_its_programs_and_take_the_closed_form() -> None:
    each = S.program_s + S.erase_s / 256
    assert write_rate(S) == pytest.approx(8 * 2 * 2 * 2 * 16384 / each)
    assert write_rate(S._replace(program_s=1e-6, erase_s=1e-6)) == 8 * S.bus_bandwidth_bytes_per_s


@pytest.mark.parametrize("name", ["s", "m", "l"])
def test_the_published_network_loads_in_seconds_and_writing_is_slower_than_reading(name: str) -> None:
    flash = read_device(f"cambricon-llm-{name}").record
    seconds = hwsim.network("opt-6.7b").weight_bytes("int8") / write_rate(flash)
    assert 0.1 < seconds < 10.0
    assert (
        write_rate(flash) < flash.channels * flash.chips * flash.dies * flash.planes * flash.page_bytes / flash.read_s
    )


@given(longer=st.floats(1.0, 10.0), data=st.floats(1.0, 1e12))
def test_a_longer_program_is_never_faster_nor_cheaper(longer: float, data: float) -> None:
    slow = S._replace(program_s=S.program_s * longer)
    assert write_rate(slow) <= write_rate(S)
    assert write_energy_j(slow, data) >= write_energy_j(S, data)


def test_a_programmed_bit_takes_what_the_read_current_draws_for_the_longer_time() -> None:
    bits = 8.0 * 1e9
    assert write_energy_j(S, 1e9) == pytest.approx(bits * (19e-12 * 450 / 30 + 4e-12 + 0.5e-12))


def test_a_drive_writes_no_faster_than_it_reads_and_a_spilled_cache_pays_for_both() -> None:
    assert drive_write_rate(MQSIM) == pytest.approx(8 * 4 * 2 * 2 * 8192 / (750e-6 + 3.8e-3 / 256))
    assert drive_write_rate(NVME_TLC) <= NVME_TLC.host_bandwidth_bytes_per_s
    assert spill_s(NVME_TLC, 1e9, 0.0) > spill_s(NVME_TLC, 0.0, 1e9)
    assert spill_s(NVME_TLC, 1e9, 1e9) == pytest.approx(spill_s(NVME_TLC, 1e9, 0.0) + spill_s(NVME_TLC, 0.0, 1e9))


def test_the_compiled_rates_equal_the_plain_ones() -> None:
    assert compiled(write_rate)(S) == pytest.approx(write_rate(S))
    assert compiled(drive_write_rate)(NVME_TLC) == pytest.approx(drive_write_rate(NVME_TLC))


def test_the_area_of_the_cores_grows_with_the_dies() -> None:
    small, large = (read_device(f"cambricon-llm-{name}").area_mm2 for name in "sl")
    assert large["cores"] == pytest.approx(small["cores"] * 16)
