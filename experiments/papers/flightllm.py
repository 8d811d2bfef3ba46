"""FlightLLM (FPGA 2024): LLaMA-2-7B on a Versal VHK158 and an Alveo U280, against an A100 and a V100S."""

from __future__ import annotations

from typing import Any

import hwsim
from hwsim.experiments.reproduction import Row
from hwsim.mappers.techniques.sparsity import sparse

TITLE = "FlightLLM (FPGA 2024, arXiv 2401.03868)"
ARTIFACT = "arXiv 2401.03868, example of the authors' artifact; VHK158 simulated by the authors"
ABSTRACT = "arXiv 2401.03868, abstract"
QUERY_KEY_DENSITY = 0.7  # given: 64 of 225 linears (artifact)
U280_BOARD_W = 45.0  # recalled, medium confidence: context only
# Which A100 it was is not said. Identified by the artifact's vLLM speed, 89.4 token/s: 92 are predicted with 80 GB
# (2.04 TB/s), 73 with 40 GB (1.56 TB/s). So rows of that speed are given, and the energy ratio rests on the choice.
A100, V100S = "a100-sxm-80gb", "v100s-pcie-32gb"
PRICES_USD = {"flightllm-u280": 8000.0, V100S: 12000.0, A100: 17000.0}  # recalled: context only

# prefill, decode: prefill ms, decode ms, tokens/s on VHK158; tokens/s of vLLM and of plain PyTorch on the GPU
VHK158 = {
    (128, 512): ("289.9", "4946.4", "103.5", "89.4", "45.2"),
    (128, 1024): ("289.9", "10318.6", "99.2", "87.9", "45.3"),
    (128, 1536): ("289.9", "16103.1", "95.4", "87.5", "44.9"),
    (512, 1024): ("1181.4", "10950.5", "93.5", "86.1", "44.1"),
}
FORMATS: dict[str, Any] = {"weights": "int4", "activations": "int8", "kv": "int8"}


def network() -> Any:
    """LLaMA-2-7B with the artifact's sparsity: query and key projections at density 0.7, value dense."""
    dense = hwsim.network("llama-2-7b")
    shares = dense.heads + 2 * dense.kv_heads
    kept = ((dense.heads + dense.kv_heads) * QUERY_KEY_DENSITY + dense.kv_heads) / shares
    return sparse(dense, {"qkv": kept})


def generated(device: str, prompt: int, output: int) -> Any:
    """A generation on a FlightLLM device. Every token of ``output`` is a decode step, as the artifact counts."""
    return hwsim.simulate(network(), on=device, phase="generate", prompt=prompt, output=output + 1, **FORMATS)


def _on_vhk158(prompt: int, output: int, texts: tuple[str, ...]) -> list[Row]:
    result = generated("flightllm-vhk158", prompt, output)
    gpu = hwsim.simulate("llama-2-7b", on=A100, phase="generate", prompt=prompt, output=output)
    given = {"network": "llama-2-7b", "batch": 1, "prefill": prompt, "decode": output, **FORMATS,
             "query_key_density": QUERY_KEY_DENSITY}  # fmt: skip
    case = f"VHK158, {prompt}/{output}"
    first_s, step_s = result.time_to_first_token_s, result.time_per_output_token_s
    speed = output / (step_s * output)
    common: dict[str, Any] = {"system": "flightllm", "case": case, "given": given, "source": ARTIFACT}
    return [
        Row(metric="prefill", unit="ms", predicted=first_s * 1e3, published=texts[0], **common),
        Row(metric="decode", unit="ms", predicted=step_s * output * 1e3, published=texts[1], **common),
        Row(metric="decode throughput", unit="token/s", predicted=speed, published=texts[2], **common),
        Row(
            metric="vLLM on the A100", unit="token/s", predicted=gpu.tokens_per_s, published=texts[3],
            judged=False, note="given: this speed identified the A100 as the one with 80 GB",
            **common,
        ),
        Row(
            metric="end-to-end speed over the A100", unit="x",
            predicted=output / (first_s + step_s * output) / gpu.tokens_per_s, published="1.0", judged=False,
            note="given: the A100 was identified by its speed; listed rows give 1.0, decode only 1.12, headline 1.2",
            **common,
        ),
    ]  # fmt: skip


def _on_gpu(device: str) -> Any:
    """A GPU at 128 + 512 tokens, fp16, kernels launched one by one."""
    return hwsim.simulate("llama-2-7b", on=device, phase="generate", prompt=128, output=512, runtime="eager")


def _against(gpu: str, name: str, efficiency: float, published: str, common: dict[str, Any]) -> list[Row]:
    """Tokens a joule over a GPU's, and the GPU's power that the published ratio implies at the predicted speeds."""
    result = _on_gpu(gpu)
    power_w, speed = float(result.energy_j / result.latency_s), 512.0 / result.latency_s
    limit_w = hwsim.device(gpu).record.power_limit_w
    return [
        Row(
            case=f"U280 against {name}", metric="energy efficiency", unit="x",
            predicted=efficiency / (512.0 / float(result.energy_j)), published=published, source=ABSTRACT,
            note="GPU at fp16 under the eager runtime; power of both sides predicted; which A100 is our reading",
            **common,
        ),
        Row(
            case=f"U280 against {name}", metric="power of the GPU", unit="W", predicted=power_w,
            published=f"{float(published) * speed / efficiency:.0f}", judged=False, source=ABSTRACT,
            note=f"published: what the ratio implies at {speed:.0f} token/s, as predicted; limit {limit_w:.0f} W",
            **common,
        ),
    ]  # fmt: skip


def _on_u280() -> list[Row]:
    result = generated("flightllm-u280", 128, 512)
    speed, efficiency = 1.0 / result.time_per_output_token_s, 512.0 / float(result.energy_j)
    given = {"network": "llama-2-7b", "batch": 1, "prefill": 128, "decode": 512, **FORMATS,
             "query_key_density": QUERY_KEY_DENSITY}  # fmt: skip
    common: dict[str, Any] = {"system": "flightllm", "given": given}
    return [
        Row(
            case="U280, 128/512", metric="decode throughput", unit="token/s", predicted=speed, published="55",
            source="arXiv 2401.03868, authors' artifact, measured on board",
            note="nothing fitted: the VHK158's cores, one a die region, over this part's channels", **common,
        ),
        *_against(V100S, "V100S", efficiency, "6.0", common),
        *_against(A100, "A100", efficiency, "4.2", common),
        _cost_efficiency(V100S, "V100S", speed, "1.8", given),
        _cost_efficiency(A100, "A100", speed, "1.4", given),
        Row(
            case="U280", metric="board power", unit="W", predicted=float(result.energy_j / result.latency_s),
            published=f"{U280_BOARD_W:.0f}", judged=False, source="recalled, medium confidence", **common,
        ),
    ]  # fmt: skip


def _cost_efficiency(gpu: str, name: str, speed: float, published: str, given: dict[str, Any]) -> Row:
    """Tokens a second and dollar of the U280 over those of a GPU, at list prices that are recalled."""
    per_dollar = speed / PRICES_USD["flightllm-u280"], 512.0 / _on_gpu(gpu).latency_s / PRICES_USD[gpu]
    return Row(
        system="flightllm", case=f"U280 against {name}", metric="cost efficiency", unit="x",
        given={**given, "prices_usd": [PRICES_USD["flightllm-u280"], PRICES_USD[gpu]]},
        predicted=per_dollar[0] / per_dollar[1], published=published, judged=False, source=ABSTRACT,
        note="prices are recalled, and of cards that are sold singly, not of the SXM module that is predicted",
    )  # fmt: skip


def instruction_ratio(device: str, longest: int, prefill_bucket: int, decode_bucket: int) -> float:
    """Instruction bytes without over with length-adaptive compilation, prompts and contexts up to ``longest``.

    A stream is as long as its linears take cycles: rows / matrix_macs for a prompt, 1 / vector_macs for a step.
    Without buckets every length has one for every core; with them every bucket has one, which the cores share.
    """
    record = hwsim.device(device).record
    step = 1.0 / record.vector_macs

    def prompts(bucket: int) -> float:
        tile = record.matrix_tile_rows
        rows = (tile * -(-length // tile) for length in range(bucket, longest + 1, bucket))
        return float(sum(rows) / record.matrix_macs)

    apart = record.cores * (prompts(1) + step * longest)
    return float(apart / (prompts(prefill_bucket) + step * longest / decode_bucket))


def _instructions() -> Row:
    predicted = instruction_ratio("flightllm-u280", 2048, 128, 16)
    return Row(
        system="flightllm", case="length-adaptive compilation", metric="instruction storage", unit="x smaller",
        given={"longest": 2048, "prefill_bucket": 128, "decode_bucket": 16}, predicted=predicted, published="500",
        judged=False, source="arXiv 2401.03868 (about TB to about GB)",
        note="buckets, and one stream for all cores; what merging the loads of channels saves is not published",
    )  # fmt: skip


def rows() -> list[Row]:
    """All published figures of the system."""
    listed = [row for (prompt, output), texts in VHK158.items() for row in _on_vhk158(prompt, output, texts)]
    return [*listed, *_on_u280(), _instructions()]
