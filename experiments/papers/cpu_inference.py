"""Efficient LLM Inference on CPUs: weight-only INT4 on one Xeon Platinum 8480+ socket."""

from __future__ import annotations

from functools import cache
from typing import Any

import hwsim
from hwsim.experiments.reproduction import Row

TITLE = "Efficient LLM Inference on CPUs (arXiv 2311.00502)"
SOURCE = "arXiv 2311.00502, authors' artifact, input 32 tokens, 48 cores"
# network: next token g128, first token g128, next token g32 (ms)
ROWS = {
    "llama-7b": ("24.41", "71.1", "27.1"),
    "llama-2-7b": ("24.34", "91.6", "27.66"),
    "gpt-j-6b": ("21.56", "60.6", "24.09"),
    "opt-1.3b": ("9.25", "110.7", "9.69"),
    "dolly-v2-3b": ("22.76", "81.3", "23.77"),
}
PROMPT, OUTPUT = 32, 32
# ggml in the same container, groups of 32: next token (ms)
GGML = {"llama-7b": "27.37", "llama-2-7b": "28.14", "gpt-j-6b": "30.34", "opt-1.3b": "8.9",
        "dolly-v2-3b": "22.04"}  # fmt: skip
# ggml: first token (ms), and of 1024 tokens (s)
GGML_FIRST = {"llama-7b": "309", "llama-2-7b": "310", "gpt-j-6b": "292", "opt-1.3b": "155", "dolly-v2-3b": "179"}
GGML_LONG_FIRST_S = "14.5-16.5"
# Vector micro-operations of ggml's AVX2 dot product of a block of 32 weights with 32 values, counted in its source
# (q4_0 by q8_0, 2023): two scales from 16 bit (three each), their product and its broadcast 2, nibbles to bytes 3,
# offset 1, two signs, dot product and conversion 4, multiply-add 1. Golden Cove takes three a cycle of 256 bits (Intel,
# Optimization Reference Manual). Every token unpacks the weights anew.
BLOCK, BLOCK_OPERATIONS, VECTOR_PORTS = 32.0, 6.0 + 2.0 + 3.0 + 1.0 + 4.0 + 1.0, 3.0
LONG_NEXT_MS, LONG_FIRST_S = "27.5-27.7", "4.1-4.6"


# https://huggingface.co/databricks/dolly-v2-3b, config.json
DOLLY = {
    "architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox", "hidden_size": 2560, "intermediate_size": 10240,
    "num_attention_heads": 32, "num_hidden_layers": 32, "max_position_embeddings": 2048, "rotary_pct": 0.25,
    "vocab_size": 50280, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "hidden_act": "gelu",
}  # fmt: skip


@cache
def network_of(name: str) -> Any:
    """A network of the catalog, or Dolly-v2-3B, which is not in it."""
    if name != "dolly-v2-3b":
        return hwsim.network(name)
    from hwsim.mappers.networks.reading import read_config

    return read_config(DOLLY, source=name, name=name)


def _stored(weights: str) -> str:
    """The engine's format: its scales have 32 bits, as many bytes as groups half as long with scales of 16."""
    kind, group = weights.split(":g")
    return f"{kind}:g{int(group) // 2}"


def _format_text(weights: str) -> str:
    """What runs, in words: the engine's scales have 32 bits, those of a format such as int4:g128 have 16."""
    kind, group = weights.split(":g")
    return f"{kind}, an fp32 scale a group of {group} (the bytes of {_stored(weights)})"


def _latency_s(network: str, weights: str, phase: str, tokens: int) -> float:
    """Seconds of a step after ``tokens``, or of a prompt of so many; weights unpacked to fp32, KV in fp16.

    A head that is also the embedding table stays as the look-ups need it, in fp32 (our reading: weight-only
    quantisers leave tied tables alone).
    """
    device, read = hwsim.device("xeon-8480", cores="48"), network_of(network)
    result = hwsim.simulate(
        read, on=device, phase=phase, prompt=tokens, context=tokens, weights=weights, activations="fp32", kv="fp16"
    )
    if not read.tied_embeddings:
        return result.latency_s
    narrow = next(operator.latency_s for operator in result.operators if operator.name == "lm_head")
    whole = hwsim.estimate(device, "matmul", m=1, n=read.vocabulary, k=read.hidden, dtype="fp32").latency_s
    return float(result.latency_s - narrow + whole)


def _ggml_first_s(network: str, tokens: int) -> float:
    """Seconds of ggml's prompt: dot products by their instructions, the rest as in any run."""
    device, read = hwsim.device("xeon-8480", cores="48"), network_of(network)
    found = hwsim.simulate(
        read,
        on=device,
        phase="prefill",
        prompt=tokens,
        context=tokens,
        weights="int4:g32",
        activations="fp32",
        kv="fp16",
    )
    products = [operator for operator in found.operators if operator.kind == "matmul"]
    rest = found.latency_s - sum(operator.latency_s for operator in products)
    blocks_per_s = device.record.cores * device.record.clock_hz * VECTOR_PORTS / BLOCK_OPERATIONS
    return float(
        rest
        + sum(
            max(operator.memory_s, operator.flops / 2.0 / BLOCK / blocks_per_s) + operator.fixed_s
            for operator in products
        )
    )


def _ggml_first_rows() -> list[Row]:
    """First tokens of ggml."""
    found = []
    common: dict[str, Any] = {"system": "cpu-inference", "metric": "first token of ggml, int4:g32"}
    given: dict[str, Any] = {"cores": 48, "weights": "int4:g32", "block_operations": BLOCK_OPERATIONS}
    for network, digits in GGML_FIRST.items():
        seconds = _ggml_first_s(network, PROMPT)
        found.append(
            Row(case=network, unit="ms", predicted=seconds * 1e3, published=digits, source=SOURCE,
                given={**given, "prompt": PROMPT}, **common, **_status(network))
        )  # fmt: skip
    found.append(
        Row(case="llama-2-7b, input 1024", unit="s", predicted=_ggml_first_s("llama-2-7b", 1024),
            published=GGML_LONG_FIRST_S, source=SOURCE.replace("32 tokens", "1024"), given={**given, "prompt": 1024},
            **common)
    )  # fmt: skip
    return found


def _status(network: str) -> dict[str, Any]:
    if network != "dolly-v2-3b":
        return {}
    note = "context: both engines take the time of a network of twice the size, which no rate explains"
    return {"judged": False, "note": note}


def _short(network: str, texts: tuple[str, str, str]) -> list[Row]:
    given: dict[str, Any] = {"cores": 48, "activations": "fp32", "prompt": PROMPT}
    common: dict[str, Any] = {
        "system": "cpu-inference",
        "case": network,
        "unit": "ms",
        "source": SOURCE,
        **_status(network),
    }
    context = PROMPT + OUTPUT // 2
    long_groups = {**given, "weights": _format_text("int4:g128")}
    return [
        Row(
            metric="next token, groups of 128", given=long_groups, published=texts[0],
            predicted=_latency_s(network, _stored("int4:g128"), "decode", context) * 1e3, **common,
        ),
        Row(
            metric="first token, groups of 128", given=long_groups, published=texts[1],
            predicted=_latency_s(network, _stored("int4:g128"), "prefill", PROMPT) * 1e3, **common,
        ),
        Row(
            metric="next token, groups of 32", given={**given, "weights": _format_text("int4:g32")}, published=texts[2],
            predicted=_latency_s(network, _stored("int4:g32"), "decode", context) * 1e3, **common,
        ),
    ]  # fmt: skip


def rows() -> list[Row]:
    """All published figures of the system."""
    found = [row for network, texts in ROWS.items() for row in _short(network, texts)]
    context = PROMPT + OUTPUT // 2
    for network, digits in GGML.items():
        found.append(
            Row(
                system="cpu-inference", case=network, metric="next token of ggml, int4:g32", unit="ms",
                given={"cores": 48, "activations": "fp32", "prompt": PROMPT, "weights": "int4:g32"}, published=digits,
                predicted=_latency_s(network, "int4:g32", "decode", context) * 1e3, source=SOURCE,
                **{"note": "another engine, whose scales have 16 bits", **_status(network)},
            )
        )  # fmt: skip
    common: dict[str, Any] = {
        "system": "cpu-inference", "case": "llama-2-7b, input 1024", "source": SOURCE.replace("32 tokens", "1024"),
        "given": {"cores": 48, "activations": "fp32", "prompt": 1024, "weights": _format_text("int4:g128")},
    }  # fmt: skip
    found.append(
        Row(
            metric="next token, groups of 128", unit="ms", published=LONG_NEXT_MS,
            predicted=_latency_s("llama-2-7b", _stored("int4:g128"), "decode", 1040) * 1e3, **common,
        )
    )  # fmt: skip
    found.append(
        Row(
            metric="first token, groups of 128", unit="s", published=LONG_FIRST_S,
            predicted=_latency_s("llama-2-7b", _stored("int4:g128"), "prefill", 1024), **common,
        )
    )  # fmt: skip
    return [*found, *_ggml_first_rows()]
