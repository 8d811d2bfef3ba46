"""PowerInfer-2, LLM in a flash and XL3M: published figures with asserted bounds, and their mechanisms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.experiments.papers import llm_in_a_flash, powerinfer_2, xl3m
from hwsim.experiments.reproduction import Row, median_absolute_error
from hwsim.models.storage.family import read_storage


def errors(rows: list[Row]) -> dict[str, float]:
    return {f"{row.case}: {row.metric}": row.error or 0.0 for row in rows if row.judged}


def test_llm_in_a_flash_reads_are_met_within_12_percent() -> None:
    found = errors(llm_in_a_flash.rows())
    others = {name: found.pop(name) for name in list(found) if "all techniques" in name}
    assert all(abs(error) < 0.12 for error in found.values()), found
    assert len(others) == 2 and all(abs(error) < 0.3 for error in others.values()), others
    assert (median_absolute_error(llm_in_a_flash.rows()) or 1.0) < 0.05


def test_the_skew_is_that_of_a_quarter_of_the_neurons_that_fire_most() -> None:
    share = llm_in_a_flash.asked_share(llm_in_a_flash.SPARSITY)
    a, b = llm_in_a_flash.SKEW, llm_in_a_flash.SKEW * (1.0 - share) / share
    rates = np.sort(np.random.default_rng(7).beta(a, b, 400_000))[::-1]
    assert rates.mean() == pytest.approx(share, rel=0.02)
    assert rates[:104_000].sum() / rates.sum() == pytest.approx(0.80, abs=0.01)


@given(share=st.floats(0.001, 0.9), window=st.integers(0, 50))
def test_a_longer_window_never_reads_more(share: float, window: int) -> None:
    here, longer = (llm_in_a_flash.new_share(share, float(tokens)) for tokens in (window, window + 1))
    assert longer <= here * (1 + 1e-9)
    assert llm_in_a_flash.new_share(share, 0.0) == pytest.approx(share)


def test_powerinfer_2_in_memory_and_unpipelined_speeds_are_met_within_15_percent() -> None:
    found = errors(powerinfer_2.rows())
    for part in (
        "pages as they fault: decode",
        "+ bundles: decode",
        "in memory, powerinfer-2",
        "in memory, llama.cpp: decode",
    ):
        names = [name for name in found if part in name]
        assert names, part
        assert all(abs(found[name]) < 0.15 for name in names), names


def test_every_step_of_powerinfer_2_is_faster_than_the_one_before() -> None:
    seconds = list(powerinfer_2.offloaded_s(powerinfer_2.weights_of("bamboo-7b")).values())
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[1] < 0.5 * seconds[0]


def test_more_memory_for_the_47b_network_is_never_slower() -> None:
    seconds = [powerinfer_2.mixtral_s(memory * 1e9) for memory in range(7, 25)]
    assert seconds == sorted(seconds, reverse=True)
    assert powerinfer_2.cached_hit(0.26, 0.1) == pytest.approx(0.80, abs=0.01)
    assert powerinfer_2.cached_hit(0.0, 0.1) == 0.0
    assert powerinfer_2.cached_hit(1.0, 0.1) == 1.0


def test_the_cache_hits_as_often_as_a_draw_of_firing_rates_says() -> None:
    rates = np.sort(np.random.default_rng(3).beta(0.3, 0.3 * 0.73 / 0.27, 400_000))[::-1]
    assert powerinfer_2.cached_hit(0.5, 0.27) == pytest.approx(rates[:200_000].sum() / rates.sum(), abs=0.005)
    assert errors(powerinfer_2.rows())["bamboo-7b, half offloaded: cache hits"] == pytest.approx(0.0, abs=0.01)


def test_the_networks_have_the_weights_the_paper_counts() -> None:
    bamboo = powerinfer_2.weights_of("bamboo-7b")
    assert bamboo.feed_forward == pytest.approx(5.637e9, rel=0.001)
    assert bamboo.rest == pytest.approx(1.342e9 + 0.131e9, rel=0.001)
    assert powerinfer_2.weights_of("turbosparse-mixtral-47b").feed_forward == pytest.approx(45.1e9, rel=0.001)


def test_xl3m_needs_segments_and_fits_with_them() -> None:
    assert xl3m.fits(xl3m.SEGMENT)
    assert xl3m.longest_without_segments() < 1e6
    assert all(error == 0.0 for error in errors(xl3m.rows()).values())
    assert 100.0 < xl3m.prefill_s(xl3m.TOKENS) < 400.0


def test_reads_one_after_the_other_take_longer_than_reads_in_flight() -> None:
    bamboo, storage = powerinfer_2.weights_of("bamboo-7b"), read_storage(powerinfer_2.STORAGE)
    assert powerinfer_2.alone_s(storage, 1e4) > 1.5 * powerinfer_2.reads_s(storage, 1e4, bamboo)


def test_a_half_offloaded_prefill_lasts_as_long_as_its_layers_take_to_read() -> None:
    bamboo = powerinfer_2.weights_of("bamboo-7b")
    long, longer = (powerinfer_2.prefill_s(tokens, bamboo, True) for tokens in (64, 128))
    assert long == longer
    assert powerinfer_2.prefill_s(64, bamboo, False) < 0.5 * powerinfer_2.prefill_s(128, bamboo, True)
