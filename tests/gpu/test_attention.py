"""Attention on a GPU: laws, closed forms, and published or measured figures with asserted bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.hardware import Device
from hwsim.models.gpu.attention import in_flight, key_tile_s, tiling
from hwsim.models.gpu.record import Gpu
from hwsim.operators import Attention
from hwsim.rows import OperatorRow, lower

H100 = hwsim.device("h100-sxm-80gb")
A100 = hwsim.device("a100-sxm-80gb")
B200 = hwsim.device("b200-sxm-180gb")
RECORD: Gpu = H100.record


def row(**changes: float | str) -> OperatorRow:
    shape: dict[str, float | str] = {
        "batch": 1, "query_length": 1, "kv_length": 8192, "heads": 32, "kv_heads": 8, "head_dim": 128,
    }  # fmt: skip
    return lower(Attention(name="a", **{**shape, **changes}))  # type: ignore[arg-type]


def latency(device: Device, **changes: float | str) -> float:
    return device.cost(device.record, row(**changes)).latency_s


shapes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 256),
        "kv_length": st.integers(1, 32768),
        "kv_heads": st.sampled_from([1, 2, 8]),
        "heads": st.sampled_from([8, 32, 64]),
        "head_dim": st.sampled_from([64, 128, 256]),
    }
)


@settings(max_examples=60, deadline=None)
@given(shapes, st.booleans())
def test_more_bandwidth_or_a_faster_clock_is_never_slower(shape: dict[str, int], prefill: bool) -> None:
    query = shape["kv_length"] if prefill else 1
    flat = row(query_length=query, **shape)
    base = H100.cost(RECORD, flat).latency_s
    fast = RECORD._replace(memory_bandwidth_bytes_per_s=2 * RECORD.memory_bandwidth_bytes_per_s)
    assert H100.cost(fast, flat).latency_s <= base * (1.0 + 1e-12)  # equal but for rounding where the power limits
    assert H100.cost(RECORD._replace(clock_hz=2 * RECORD.clock_hz), flat).latency_s <= base


@settings(max_examples=60, deadline=None)
@given(shapes, st.booleans())
def test_latency_is_never_under_the_roofline(shape: dict[str, int], prefill: bool) -> None:
    flat = row(query_length=shape["kv_length"] if prefill else 1, **shape)
    compute = flat.flops / H100.peak_flops_per_s["bf16"]
    assert H100.cost(RECORD, flat).latency_s >= max(compute, flat.bytes / H100.bandwidth_bytes_per_s)


@settings(max_examples=40, deadline=None)
@given(shapes, st.sampled_from([2, 4]))
def test_more_sequences_never_take_less_time_nor_more_than_one_by_one(shape: dict[str, int], times: int) -> None:
    one = latency(H100, **{**shape, "batch": 128 * shape["batch"]})
    many = latency(H100, **{**shape, "batch": 128 * shape["batch"] * times})
    assert one <= many <= times * one * 1.001


def test_query_heads_of_a_kv_head_share_its_tile() -> None:
    grouped = tiling(RECORD, row(heads=32, kv_heads=8, batch=64))
    single = tiling(RECORD, row(heads=32, kv_heads=32, batch=64))
    assert grouped.tiles == 64 * 8
    assert single.tiles == 64 * 32


def test_a_causal_mask_halves_the_key_tiles_of_a_long_prompt() -> None:
    causal = tiling(RECORD, row(query_length=8192))
    full = tiling(RECORD, lower(Attention(
        name="a", batch=1, query_length=8192, kv_length=8192, heads=32, kv_heads=8, head_dim=128, causal=False,
    )))  # fmt: skip
    assert full.mean == full.longest == 128
    assert causal.mean == pytest.approx(64.5, abs=0.5)
    assert causal.longest == 128


def test_a_window_keeps_the_key_tiles_of_a_decode_step_constant() -> None:
    assert tiling(RECORD, row(window=1024, kv_length=4096)).longest == 16
    assert tiling(RECORD, row(window=1024, kv_length=131072)).longest == 16
    assert latency(H100, window=1024, kv_length=4096) == latency(H100, window=1024, kv_length=131072)


def test_the_kv_is_cut_only_where_sms_idle_and_the_parts_end_sooner() -> None:
    assert tiling(RECORD, row(batch=1, kv_length=256)).split == 1  # joining takes longer
    assert tiling(RECORD, row(batch=64, kv_length=65536)).split == 1  # no SM idles
    assert 1 < tiling(RECORD, row(batch=1, kv_length=8192)).split <= 132 // 8
    free = RECORD._replace(
        attention_combine_s=0.0, attention_split_s=0.0, attention_ramp_s=0.0, memory_bandwidth_bytes_per_s=1e15
    )
    assert tiling(free, row(batch=1, kv_length=65536)).split == 132 // 8
    assert tiling(free, row(heads=1, kv_heads=1, kv_length=131072)).split == 128  # 16 steps each, as of 132 parts


def test_a_kv_in_an_l2_of_one_part_is_read_at_its_rate_and_one_that_weights_push_out_is_not() -> None:
    """An L40S reads 40 MB faster than its 864 GB/s allow where the call before left them in its 96 MB."""
    device = hwsim.device("l40s-48gb")
    hot = float(hwsim.estimate(device, "attention", batch=8, query_length=1, kv_length=2560, heads=32, kv_heads=8,
                               head_dim=64, dtype="bf16").latency_s)  # fmt: skip
    cold = row(batch=8, kv_length=2560, head_dim=64)
    assert hot < cold.bytes / device.bandwidth_bytes_per_s < device.cost(device.record, cold).latency_s
    one_part = device.record.l2_bytes, device.record.l2_partitions
    assert one_part == (96 * 2**20, 1.0)
    assert A100.record.l2_partitions == RECORD.l2_partitions == B200.record.l2_partitions == 2.0


def test_a_kv_larger_than_the_l2_takes_as_long_in_a_benchmark_as_in_a_network() -> None:
    for device in (H100, hwsim.device("l40s-48gb")):
        shape = {"batch": 64, "query_length": 1, "kv_length": 8192, "heads": 32, "kv_heads": 8, "head_dim": 128}
        alone = float(hwsim.estimate(device, "attention", dtype="bf16", **shape).latency_s)
        assert alone == device.cost(device.record, row(**shape)).latency_s


def test_a_large_kv_streams_at_the_bandwidth_share_of_the_device_file() -> None:
    flat = row(batch=64, kv_length=32768)
    stream = flat.bytes / (RECORD.memory_bandwidth_bytes_per_s * RECORD.attention_memory)
    assert stream < H100.cost(RECORD, flat).latency_s < 1.06 * stream


def test_a_kv_of_8_bits_streams_in_half_the_time() -> None:
    wide = latency(H100, batch=64, kv_length=32768)
    assert latency(H100, batch=64, kv_length=32768, kv_dtype="fp8_e4m3") == pytest.approx(wide / 2, rel=0.05)


def test_flash_attention_3_reaches_most_of_its_published_speed_on_an_h100() -> None:
    """Up to 740 TFLOP/s in 16 bits on an H100 SXM5: Shah et al. 2024, arXiv 2407.08608, abstract."""
    speeds = []
    for head_dim in (64, 128, 256):
        flat = row(query_length=16384, kv_length=16384, heads=2048 // head_dim, kv_heads=2048 // head_dim,
                   head_dim=head_dim)  # fmt: skip
        speeds.append(flat.flops / H100.cost(RECORD, flat).latency_s)
    assert speeds == sorted(speeds)
    assert 0.7 * 740e12 < max(speeds) < 740e12  # the median of runtimes, with the kernel that appends to the KV


def test_a_single_sequence_decodes_in_tens_of_microseconds() -> None:
    """Launch and block times dominate; three runtimes take 12 to 15 microseconds on an H100, 16 to 23 on an A100."""
    assert 9e-6 < latency(H100, kv_length=512) < 15e-6
    assert 9e-6 < latency(A100, kv_length=512) < 25e-6


def test_heads_wider_than_256_have_slower_kernels_but_latent_attention_does_not() -> None:
    wide = latency(H100, query_length=4096, kv_length=4096, head_dim=512)
    narrow = latency(H100, query_length=4096, kv_length=4096, head_dim=256)
    latent = latency(H100, query_length=4096, kv_length=4096, head_dim=576, value_head_dim=512)
    assert wide > 4 * narrow
    assert latent < wide


def prefill(device: Device, head_dim: int, kind: str = "bf16", **changes: float | str) -> float:
    """FLOP/s of a long prompt without a mask."""
    flat = lower(Attention(
        name="a", batch=1, query_length=16384, kv_length=16384, heads=2048 // head_dim, kv_heads=2048 // head_dim,
        head_dim=head_dim, causal=False, dtype=kind, **changes,  # type: ignore[arg-type]
    ))  # fmt: skip
    return flat.flops / device.cost(device.record, flat).latency_s


def test_a_b200_lies_between_triton_and_flash_attention_4() -> None:
    """Heads of 128 in 16 bits: 1605 TFLOP/s, 71 % of 2.25 PFLOP/s; 2.7 times Triton's, cuDNN's at most 1.3 times less.

    Zadouri et al. 2026, arXiv 2603.05451. Prefill here appends to the KV and holds the board's power.
    """
    assert 1605e12 / 2.7 < prefill(B200, 128) < 1605e12
    gpu = B200.record
    cycles = key_tile_s(gpu, row(query_length=16384, kv_length=16384), 128.0) * gpu.clock_hz
    assert 0.71 / 1.3 < 4 * 128 * 64 * 128 / gpu.rate_fp16 / cycles < 0.71


def test_exponentials_bound_narrow_heads_on_a_b200_and_less_on_a_b300() -> None:
    """A score takes one of 16 exponentials a cycle and 4 * 64 of 8192 FLOPs: twice as many cycles."""
    record = B200.record
    assert 1.0 / record.exponential_rate > 4.0 * 64 / record.rate_fp16
    faster = record._replace(exponential_rate=32.0)
    flat = row(query_length=16384, kv_length=16384, head_dim=64)
    assert B200.cost(faster, flat).latency_s < 0.75 * B200.cost(record, flat).latency_s
    assert prefill(hwsim.device("b300-sxm-270gb"), 64) > prefill(B200, 64)


def test_8_bit_products_gain_little_where_the_softmax_is_longer() -> None:
    """FlashAttention-4 in 8 bits is 1.16 times as fast as in 16, published by its inference authors in 2026."""
    gain = prefill(B200, 128, "fp8_e4m3") / prefill(B200, 128)
    assert 1.05 < gain < 1.5


def test_a_step_takes_no_less_than_products_nor_than_exponentials() -> None:
    for device in (A100, H100, B200):
        gpu = device.record
        for head_dim in (64, 128, 256):
            flat = row(query_length=4096, kv_length=4096, head_dim=head_dim)
            cycles = key_tile_s(gpu, flat, 128.0) * gpu.clock_hz
            assert cycles > 128 * 64 / gpu.exponential_rate
            assert cycles > 4 * 128 * 64 * head_dim / gpu.rate_fp16


def test_wide_heads_on_a_b200_compute_their_scores_twice() -> None:
    """Blocks take 256 of 512 values and all of the keys: 2 * (512 + 256) products for 512 + 512."""
    wide = row(query_length=8192, kv_length=8192, head_dim=512)
    assert tiling(B200.record, wide).tiles == 2 * tiling(B200.record, row(query_length=8192, kv_length=8192)).tiles
    exposed = 0.5 * 128 * 64 / B200.record.exponential_rate / B200.record.clock_hz
    half = row(query_length=8192, kv_length=8192, head_dim=256)
    products_s = key_tile_s(B200.record, wide, 128.0) - exposed
    assert products_s == pytest.approx(1.5 * (key_tile_s(B200.record, half, 128.0) - exposed))
    energy = B200.cost(B200.record, wide).energy_j / B200.cost(B200.record, half).energy_j
    assert 2.0 < energy < 3.5
    assert tiling(B200.record, row(head_dim=512)).tiles == tiling(B200.record, row()).tiles  # a decode step fits whole


def test_clusters_of_a_b200_join_short_parts_without_a_second_kernel() -> None:
    assert tiling(B200.record, row(kv_length=2048)).split == 4
    assert tiling(RECORD, row(kv_length=256)).split == tiling(B200.record, row(kv_length=256)).split == 1
    second = B200.record._replace(attention_cluster=1.0)
    flat = row(kv_length=2048)
    longer_s = B200.cost(second, flat).latency_s - B200.cost(B200.record, flat).latency_s
    assert longer_s == pytest.approx(B200.record.attention_combine_s)


def test_a_b200_multiplies_an_8_bit_kv_in_8_bits_and_scales_the_queries_first() -> None:
    changes = {"query_length": 8192, "kv_length": 8192, "head_dim": 256}
    assert latency(B200, **changes, kv_dtype="fp8_e4m3") < 0.85 * latency(B200, **changes)
    assert latency(H100, **changes, kv_dtype="fp8_e4m3") == pytest.approx(latency(H100, **changes), rel=0.02)
    assert latency(B200, kv_length=64, kv_dtype="fp8_e4m3") > latency(B200, kv_length=64) + 2e-6


def test_starts_of_blocks_overlap_only_as_far_as_the_tensor_memory_holds_their_tiles() -> None:
    prompt = {"query_length": 4096, "kv_length": 4096}
    assert in_flight(B200.record, row(**prompt, head_dim=128)) == 2
    assert in_flight(B200.record, row(**prompt, head_dim=256)) == 1
    assert in_flight(B200.record, row(head_dim=256)) == 2
    assert in_flight(RECORD, row()) == 1
