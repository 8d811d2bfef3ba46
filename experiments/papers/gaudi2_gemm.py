"""Gaudi 2 matrix products in bf16 and FP8 (scale a tensor, scale a row), and Llama-3.1-70B as a prediction.

The table belongs to arXiv 2502.01070, the sibling of arXiv 2503.09975, and is measured warm: repeats inside one graph.
The latter's own tables of Llama-3.1-70B were not at hand, so its prefill and decode are predictions without a figure.
Given: the public specification of Gaudi 2. Nothing is fitted to a row.
"""

from __future__ import annotations

from typing import Any

import hwsim
from hwsim.experiments.papers._gaudi_fp8 import accuracy_rows
from hwsim.experiments.papers._gaudi_fp8_real import real_rows
from hwsim.experiments.reproduction import Row

TITLE = "Gaudi 2: matrix products in bf16 and FP8 (arXiv 2502.01070), Llama-3.1-70B predicted (arXiv 2503.09975)"
SYSTEM, DEVICE = "gaudi2-gemm", "gaudi2-96gb"
SOURCE = "arXiv 2502.01070, matrix product table; measured"
# (m, k, n): TFLOPS of FP8 with a scale a tensor, FP8 with a scale a row, bf16; H100 FP8 with a scale a tensor.
TABLE = {
    (16384, 1024, 8192): ("787.9", "697.4", "417.9", "1190.6"),
    (16384, 8192, 7168): ("799.7", "799.4", "425.2", "1361.9"),
    (4096, 4096, 4096): ("751.7", "730.8", "408.2", "1312.4"),
    (8192, 8192, 8192): ("811.0", "684.7", "423.9", "1363.6"),
    (16384, 16384, 16384): ("842.7", "820.4", "379.8", "1342.6"),
}
MODES = (("fp8_e4m3", "tensor", DEVICE), ("fp8_e4m3", "row", DEVICE), ("bf16", "tensor", DEVICE),
         ("fp8_e4m3", "tensor", "h100-sxm-80gb"))  # fmt: skip
PROMPTS = (1024, 2048, 4096, 8192)
DECODES = ((1, 2048), (16, 2048), (64, 2048), (128, 512))  # batch, context


def product_tflops(device: str, shape: tuple[int, int, int], dtype: str, scaling: str) -> float:
    """TFLOPS of an (m, k) by (k, n) product."""
    m, k, n = shape
    seconds = hwsim.estimate(device, "matmul", m=m, k=k, n=n, dtype=dtype, scaling=scaling).latency_s
    return float(2.0 * m * n * k / seconds / 1e12)


def product_rows() -> list[Row]:
    """The table of products; H100 is context, since its column is measured on another kernel library."""
    found = []
    for shape, published in TABLE.items():
        for (dtype, scaling, device), digits in zip(MODES, published, strict=True):
            found.append(Row(
                system=SYSTEM, case=f"{device}, {dtype}, scale a {scaling}, m k n = {' '.join(map(str, shape))}",
                metric="product rate", unit="TFLOPS", given={"device": device, "dtype": dtype, "scaling": scaling},
                predicted=product_tflops(device, shape, dtype, scaling), published=digits, judged=device == DEVICE,
                source=SOURCE,
            ))  # fmt: skip
    return found


def network_rows() -> list[Row]:
    """Prefill and decode of Llama-3.1-70B in FP8 on one Gaudi 2: predictions."""
    formats: dict[str, Any] = {"weights": "fp8_e4m3", "activations": "fp8_e4m3", "kv": "fp8_e4m3"}
    cases: list[tuple[str, dict[str, Any]]] = [
        (f"prefill, prompt {prompt}", {"phase": "prefill", "prompt": prompt}) for prompt in PROMPTS
    ]
    cases += [
        (f"decode, batch {batch}, context {context}", {"phase": "decode", "batch": batch, "context": context})
        for batch, context in DECODES
    ]
    return [
        Row(system=SYSTEM, case=f"llama-3.1-70b, {case}", metric="speed", unit="token/s", published="", judged=False,
            given={"device": DEVICE, "formats": "fp8_e4m3", **asked}, source="prediction",
            predicted=hwsim.simulate("llama-3.1-70b", on=DEVICE, **asked, **formats).tokens_per_s)
        for case, asked in cases
    ]  # fmt: skip


def rows() -> list[Row]:
    """All rows."""
    return [*product_rows(), *network_rows(), *accuracy_rows(SYSTEM), *real_rows(SYSTEM)]
