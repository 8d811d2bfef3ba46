"""Stimulus of expert_topk: ties, extremes, full experts, nobody left, long and one-token batches, random scores."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from hwsim.models.npu.stream_timing import Timing, always, router_timing
from hwsim.models.numerics.integers import concatenate
from hwsim.models.numerics.routing import route, routed_word
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

PARAMETER_SETS: list[dict[str, int]] = [
    {"EXPERTS": 8, "TOP_K": 2, "SCORE_WIDTH": 8, "CAPACITY": 4, "REROUTE": 1},
    {"EXPERTS": 5, "TOP_K": 3, "SCORE_WIDTH": 4, "CAPACITY": 2, "REROUTE": 0},
    {"EXPERTS": 2, "TOP_K": 1, "SCORE_WIDTH": 6, "CAPACITY": 1, "REROUTE": 1},
]
BINS = frozenset(
    ["tie", "all_equal", "all_lowest", "all_highest", "all_zero", "alternating", "one_token_batch", "long", "random"]
    + ["kept", "dropped", "rerouted", "nobody_left", "capacity_reached", "counters_cleared"]
)
REACHED_BY_REROUTING = {"dropped": 0, "nobody_left": 1, "rerouted": 1}
FRAME_BINS = [
    (name, lambda values, name=name: values["REROUTE"] == REACHED_BY_REROUTING.get(name, values["REROUTE"]))
    for name in sorted(BINS)
]
MUTANTS = [
    Mutant(
        "ties go to the last",
        "masked_argmax.v",
        "$signed(score) > $signed(score_o)",
        "$signed(score) >= $signed(score_o)",
    ),
    Mutant("scores unsigned", "masked_argmax.v", "$signed(score) > $signed(score_o)", "score > score_o"),
    Mutant("capacity off by one", "expert_topk.v", "== CAPACITY;", "== CAPACITY - 1;"),
    Mutant("an expert chosen twice", "expert_topk.v", "taken <= taken | chosen", "taken <= chosen & taken"),
    Mutant("counters never cleared", "expert_topk.v", "if (done && last) counts", "if (1'b0) counts"),
    Mutant("full expert still a candidate", "expert_topk.v", "? ~taken & ~full : ~taken", "? ~taken : ~taken"),
    Mutant("result overwritten in a stall", "expert_topk.v", "busy && (!final_step || !y_valid || y_ready_i)", "busy"),
    Mutant("token taken while busy", "expert_topk.v", "x_ready_o = !busy || done", "x_ready_o = 1'b1"),
]
Token = tuple[Sequence[int], bool]


def _scenario(tokens: Sequence[Token], parameters: Mapping[str, int], bins: set[str]) -> Scenario:
    width, top_k, capacity = parameters["SCORE_WIDTH"], parameters["TOP_K"], parameters["CAPACITY"]
    index_bits = (parameters["EXPERTS"] - 1).bit_length()
    reroute = bool(parameters["REROUTE"])
    routed = route(tokens, top_k=top_k, capacity=capacity, reroute=reroute)
    free = route([(scores, True) for scores, _ in tokens], top_k=top_k, capacity=len(tokens), reroute=False)
    counts: dict[int, int] = {}
    for (scores, last), choices, wished in zip(tokens, routed, free, strict=True):
        bins |= {"tie"} if len(set(scores)) < len(scores) else set()
        bins |= {"kept" for choice in choices if choice.kept}
        bins |= {"dropped" for choice in choices if not choice.kept and choice != (0, 0, 0)}
        bins |= {"nobody_left" for choice in choices if reroute and not choice.kept}
        bins |= {"rerouted"} if any(c.kept and c.expert not in {w.expert for w in wished} for c in choices) else set()
        for choice in choices:
            counts[choice.expert] = counts.get(choice.expert, 0) + choice.kept
        bins |= {"capacity_reached"} if capacity in counts.values() else set()
        bins |= {"counters_cleared"} if last and counts else set()
        bins |= {"one_token_batch"} if last and sum(counts.values()) <= top_k else set()
        if last:
            counts.clear()
    words = [concatenate([*((score, width) for score in scores), (int(last), 1)]) for scores, last in tokens]
    expected = [
        routed_word(choices, last, score_bits=width, index_bits=index_bits)
        for (_, last), choices in zip(tokens, routed, strict=True)
    ]

    def timing(patterns: Patterns) -> Timing:
        return router_timing(len(tokens), top_k, patterns.get("x", always), sink_of(patterns))

    return Scenario({"x": words}, expected, timing, frozenset(bins))


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then random batches."""
    experts = parameters["EXPERTS"]
    low, high = -(1 << parameters["SCORE_WIDTH"] - 1), (1 << parameters["SCORE_WIDTH"] - 1) - 1
    long = experts * parameters["CAPACITY"] + 3
    for name, scores in (
        ("all_lowest", [low] * experts),
        ("all_highest", [high] * experts),
        ("all_zero", [0] * experts),
        ("alternating", [(low, high)[index % 2] for index in range(experts)]),
    ):
        yield _scenario([(scores, index in (4, 5)) for index in range(6)], parameters, {name, "all_equal"})
    rising = [low + index for index in range(experts)]
    yield _scenario([(rising, False)] * long + [(rising, True), (rising, True)], parameters, {"long"})
    tokens = []
    for _ in range(60):
        near = rng.random() < 0.3
        scores = [rng.randint(-1, 1) if near else rng.randint(low, high) for _ in range(experts)]
        tokens.append((scores, rng.random() < 0.15))
    tokens[-1] = (tokens[-1][0], True)  # the next scenario begins with counters at zero
    yield _scenario(tokens, parameters, {"random"})
