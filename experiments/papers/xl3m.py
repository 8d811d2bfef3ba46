"""XL3M: 20 million tokens with Llama-2-7B on eight Ascend 910B, by segments: what fits and what does not.

arXiv 2405.17755. The published claim is a capacity; no time is published, so the time is a prediction without a
published figure. Given: the network, the devices, segments of 4,096 tokens in 16 bit.
"""

from __future__ import annotations

from dataclasses import replace

import hwsim
from hwsim.experiments.reproduction import Row

TITLE = "XL3M: 20 million tokens by segments on eight Ascend 910B (arXiv 2405.17755)"
SOURCE = "arXiv 2405.17755, abstract"
NETWORK, DEVICE, DEVICES = "llama-2-7b", "ascend-910b-64gb", 8
TOKENS, SEGMENT = 20_000_000, 4096


def fits(tokens_at_once: int) -> bool:
    """Whether weights and the KV of so many tokens fit one device, which works on segments of its own."""
    network, device = hwsim.network(NETWORK), hwsim.device(DEVICE)
    need = network.weight_bytes("bf16", "bf16", 1, 1) + network.kv_bytes(tokens_at_once, 1, "bf16", 1)
    return bool(need <= device.memory_bytes)


def longest_without_segments() -> float:
    """Tokens whose KV fits all devices' memory beside one copy of the weights, full attention."""
    network, device = hwsim.network(NETWORK), hwsim.device(DEVICE)
    free = DEVICES * device.memory_bytes - network.weight_bytes("bf16", "bf16", 1, 1)
    return float(free // (network.kv_bytes(1, 1, "bf16", 1)))


def prefill_s(tokens: int) -> float:
    """Seconds to read ``tokens`` in segments, dealt out to the devices."""
    network = hwsim.network(NETWORK)
    one = hwsim.simulate(network, on=DEVICE, phase="prefill", batch=1, prompt=SEGMENT, weights="bf16").latency_s
    return one * -(-tokens // SEGMENT // DEVICES)


def rows() -> list[Row]:
    """Capacity with segments and without, KV bytes, and the time as a prediction."""
    network, device = hwsim.network(NETWORK), hwsim.device(DEVICE)
    given = {
        "network": NETWORK,
        "devices": DEVICES,
        "memory": f"{device.memory_bytes / 1e9:.0f} GB",
        "segment": SEGMENT,
    }
    reached = float(TOKENS) if fits(SEGMENT) else longest_without_segments()
    base = Row(
        system="xl3m", case="20 million tokens in segments", metric="tokens that fit", unit="token", given=given,
        predicted=reached, published="20000000", source=SOURCE,
        note="segments are independent, so length is bound by time, not by memory, as soon as one segment fits",
    )  # fmt: skip
    return [
        base,
        replace(
            base, case="full attention", metric="tokens that fit", predicted=longest_without_segments(),
            published="<20000000", note="the claim needs segments: the KV of all tokens is beyond the memory",
        ),
        replace(
            base, case="full attention", metric="KV cache", unit="TB", published="", judged=False,
            predicted=network.kv_bytes(TOKENS, 1, "bf16", 1) / 1e12, note="against 0.512 TB of memory",
        ),
        replace(
            base, metric="prefill", unit="s", predicted=prefill_s(TOKENS), published="", judged=False,
            note="no published time found",
        ),
    ]  # fmt: skip
