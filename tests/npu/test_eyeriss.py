"""Eyeriss against the measured chip: latency within 15 %, energy within 20 %, the mapping's PEs."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.experiments.papers.eyeriss import FITTED_ON_VGG_16, Layer, fit_energy, layers, multiply_add_j, rows
from hwsim.models.catalog import read_device
from hwsim.models.npu.row_stationary import best_mapping, coded_share, convolution
from hwsim.operators import Convolution
from hwsim.rows import lower

LAYERS = layers()


def name(layer: Layer) -> str:
    return f"{layer.network} {layer.name}"


@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_latency_is_within_15_percent_and_energy_within_20_percent_of_the_chip(layer: Layer) -> None:
    cost = layer.cost()
    assert cost.latency_s * 1e3 == pytest.approx(float(layer.latency_ms), rel=0.15)
    assert cost.compute_s * 1e3 == pytest.approx(float(layer.processing_ms), rel=0.15)
    energy_mj = float(layer.power_mw) * float(layer.latency_ms) * 1e-3
    assert cost.energy_j * 1e3 == pytest.approx(energy_mj, rel=0.20)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer.name != "conv5_1"], ids=name)
def test_the_mapping_keeps_the_measured_number_of_pes_active(layer: Layer) -> None:
    assert layer.active_pes() == layer.active


def test_the_constants_are_what_the_fits_give() -> None:
    for network, overrides in (("alexnet", {}), ("vgg-16", FITTED_ON_VGG_16)):
        power_w, operation_j = fit_energy(network)
        chip = read_device("eyeriss", overrides).record
        assert chip.idle_power_w == pytest.approx(power_w, rel=0.005)
        assert chip.energy_16bit_j == pytest.approx(operation_j, rel=0.005)


def test_the_published_cost_table_gives_the_fitted_energy_of_a_multiply_add_within_15_percent() -> None:
    assert multiply_add_j() == pytest.approx(2.0 * read_device("eyeriss").record.energy_16bit_j, rel=0.15)


def test_zeros_are_coded_below_their_plain_size_and_never_above() -> None:
    assert coded_share(0.0) == 1.0
    assert coded_share(0.75) == pytest.approx(0.25 * (64 / 3) / 16)


def test_a_layer_of_another_network_maps_within_the_array_and_its_stores() -> None:
    chip = read_device("eyeriss").record
    layer = Convolution(
        name="layer", batch=2, input_channels=20, output_channels=36, input_rows=40, input_columns=40, filter_rows=3,
        filter_columns=3, stride=2, padding=1, dtype="fp16",
    )  # fmt: skip
    found = best_mapping(chip, lower(layer))
    assert 0 < found.active <= 168
    assert found.cycles >= layer.flops / 2.0 / 168


@settings(max_examples=40, deadline=None)
@given(
    channels=st.integers(1, 40), filters=st.integers(1, 40), size=st.integers(13, 60), width=st.integers(1, 13),
    stride=st.integers(1, 4), images=st.integers(1, 4), depthwise=st.booleans(),
)  # fmt: skip
def test_no_layer_beats_the_multipliers_or_fails_to_map(
    channels: int, filters: int, size: int, width: int, stride: int, images: int, depthwise: bool
) -> None:
    layer = Convolution(
        name="layer", batch=images, input_channels=channels, output_channels=channels if depthwise else filters,
        input_rows=size, input_columns=size, filter_rows=width, filter_columns=width, stride=stride, dtype="fp16",
        groups=channels if depthwise else 1,
    )  # fmt: skip
    cost = convolution(read_device("eyeriss").record, lower(layer))
    assert layer.flops / 2.0 / 168 / 200e6 <= cost.latency_s < 100.0


def test_a_row_wider_than_the_buffer_runs_as_a_matrix_product() -> None:
    layer = Convolution(
        name="layer", batch=1, input_channels=1, output_channels=1, input_rows=3, input_columns=200_000, filter_rows=3,
        filter_columns=3, dtype="fp16",
    )  # fmt: skip
    assert convolution(read_device("eyeriss").record, lower(layer)).latency_s < 10.0


def test_rows_judge_every_energy_with_constants_fitted_on_the_other_network() -> None:
    table = [row for row in rows() if row.metric in ("energy", "latency", "processing latency")]
    judged = [row for row in table if row.judged]
    assert len(judged) == 3 * len(LAYERS)
    for row in judged:
        if row.metric == "energy":
            assert row.note.endswith("vgg-16" if row.case.startswith("alexnet") else "alexnet")


@pytest.mark.external_data
def test_the_copied_figures_are_those_of_the_data_set() -> None:
    folder = os.environ.get("HWSIM_DATA_DIR")
    if not folder:
        pytest.skip("HWSIM_DATA_DIR is unset; the tables are those of JSSC 2017, as collected in cucapra/fodlam")
    for network, file in (("alexnet", "alexnet"), ("vgg-16", "vgg16")):
        with Path(folder, f"eyeriss_{file}_layers.csv").open() as table:
            entries = [[cell.strip() for cell in line] for line in csv.reader(table)][1:-1]
        ours = [layer for layer in LAYERS if layer.network == network]
        for entry, layer in zip(entries, ours, strict=True):
            assert entry[1:4] == [layer.power_mw, layer.latency_ms, layer.processing_ms]
            assert int(entry[5]) == layer.active
            assert float(entry[6].rstrip("%")) / 100 == pytest.approx(layer.zeros)
