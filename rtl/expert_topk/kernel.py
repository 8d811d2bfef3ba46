"""Declaration of expert_topk; shape: ``tokens``."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.models.npu.stream_timing import Pattern, Timing, always, router_cycles, router_timing
from hwsim.models.numerics.routing import route, routed_word
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, size
from hwsim.rtl.stream_packing import Reader


def _index_bits(values: Parameters) -> int:
    return (values["EXPERTS"] - 1).bit_length()


def _streams(values: Parameters) -> dict[str, int]:
    choice = 1 + values["SCORE_WIDTH"] + _index_bits(values)
    return {"x": 1 + values["EXPERTS"] * values["SCORE_WIDTH"], "y": 1 + values["TOP_K"] * choice}


def _golden(inputs: Words, values: Parameters) -> list[int]:
    tokens = []
    for word in inputs["x"]:
        reader = Reader(word)
        scores = reader.signed_list(values["SCORE_WIDTH"], values["EXPERTS"])
        tokens.append((scores, bool(reader.unsigned(1))))
    routed = route(tokens, top_k=values["TOP_K"], capacity=values["CAPACITY"], reroute=bool(values["REROUTE"]))
    return [
        routed_word(choices, last, score_bits=values["SCORE_WIDTH"], index_bits=_index_bits(values))
        for choices, (_, last) in zip(routed, tokens, strict=True)
    ]


def _closed_form(shape: Mapping[str, object], values: Parameters) -> float:
    cycles: float = router_cycles(float(size(shape, "tokens")), float(values["TOP_K"]))
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], values: Parameters) -> Timing:
    source, sink = patterns.get("x", always), patterns.get("y", always)
    return router_timing(size(shape, "tokens"), values["TOP_K"], source, sink)


def _check(values: Parameters) -> str:
    if values["TOP_K"] > values["EXPERTS"]:
        return f"TOP_K(={values['TOP_K']}) must be at most EXPERTS(={values['EXPERTS']})"
    return ""


KERNEL = StreamKernel(
    name="expert_topk",
    summary="top-k router under a capacity an expert: drop or reroute",
    parameters=(
        Parameter("EXPERTS", 8, range(2, 257), "experts"),
        Parameter("TOP_K", 2, range(1, 9), "choices a token"),
        Parameter("SCORE_WIDTH", 8, range(2, 33), "bits of a signed score"),
        Parameter("CAPACITY", 4, range(1, 65536), "tokens an expert takes in a batch"),
        Parameter("REROUTE", 1, (0, 1), "0: drop, 1: reroute"),
    ),
    streams=_streams,
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("tokens",),
    check=_check,
)
