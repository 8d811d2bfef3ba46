"""The catalog's GPUs: all are there, say where each figure comes from, and reach the peaks of their datasheets."""

from __future__ import annotations

import pytest

from hwsim.models.catalog import read_device, read_link

# bf16 (fp16 on Volta, Turing and CDNA 1), TFLOPS dense as printed by the vendor; GB/s.
PUBLISHED = {
    "v100-sxm-32gb": (125, 900), "v100s-pcie-32gb": (130, 1134), "a100-pcie-40gb": (312, 1555),
    "a100-sxm-40gb": (312, 1555), "a100-sxm-80gb": (312, 2039), "a40-48gb": (149.7, 696), "a6000-48gb": (154.8, 768),
    "a10g-24gb": (70, 600), "l4-24gb": (121, 300), "l40s-48gb": (362, 864), "rtx-2080-super-8gb": (44.6, 496),
    "rtx-3090-24gb": (71, 936), "rtx-4090-24gb": (165.2, 1008), "h100-sxm-80gb": (989.4, 3350),
    "h100-pcie-80gb": (756, 2039), "h200-sxm-141gb": (989.5, 4800), "h20-96gb": (148, 4000),
    "b200-sxm-180gb": (2250, 8000), "b300-sxm-270gb": (2250, 7750), "gb200-186gb": (2500, 8000),
    "rtx-pro-6000-96gb": (468, 1792), "mi100-32gb": (184.6, 1228.8), "mi210-64gb": (181, 1638.4),
    "mi250x-128gb": (383, 3276.8), "mi300x-192gb": (1307.4, 5300), "arc-pro-b60-24gb": (98.3, 456),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_gpu_reaches_the_peaks_of_its_datasheet_and_names_a_link_and_its_sources(name: str) -> None:
    device = read_device(name)
    tflops, bandwidth = PUBLISHED[name]
    assert device.peak_flops_per_s["fp16"] == pytest.approx(tflops * 1e12, rel=0.015)
    assert device.bandwidth_bytes_per_s == pytest.approx(bandwidth * 1e9)
    assert device.memory_bytes == float(name.rpartition("-")[2].removesuffix("gb")) * 1e9
    assert device.native_link is not None
    assert read_link(device.native_link).bandwidth_bytes_per_s > 1e10
    for path in ("sm_count", "memory.bandwidth", "power.limit"):
        assert "[" in device.sources[path], path
