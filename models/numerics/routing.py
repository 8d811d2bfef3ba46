"""Top-k routing of tokens to experts under a capacity, drop or reroute, served in order of arrival.

Capacity-aware inference for mixtures of experts (arXiv 2503.05066) limits the tokens an expert takes in a batch. Drop
leaves out what exceeds the capacity; reroute sends it to the best expert that still has room. The paper may choose
whom to drop by score; in a stream the tokens that come first are served.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hwsim.models.numerics.integers import concatenate


class Choice(NamedTuple):
    """One of a token's choices; ``kept`` is 0 for a dropped one, and all is 0 where no expert is left."""

    expert: int
    score: int
    kept: int


def route(
    tokens: Iterable[tuple[Sequence[int], bool]], *, top_k: int, capacity: int, reroute: bool
) -> list[list[Choice]]:
    """Choices of each token, best first; a token is (scores, last), the counters clear after a last one.

    >>> route([([5, 7], False), ([1, 9], True)], top_k=1, capacity=1, reroute=True)
    [[Choice(expert=1, score=7, kept=1)], [Choice(expert=0, score=1, kept=1)]]
    """
    counts: dict[int, int] = {}
    routed = []
    for scores, last in tokens:
        taken: set[int] = set()
        choices = []
        for _ in range(top_k):
            room = {expert: counts.get(expert, 0) < capacity for expert in range(len(scores)) if expert not in taken}
            candidates = [expert for expert, has_room in room.items() if has_room or not reroute]
            if not candidates:
                choices.append(Choice(0, 0, 0))
                continue
            expert = max(candidates, key=lambda index: (scores[index], -index))
            taken.add(expert)
            counts[expert] = counts.get(expert, 0) + room[expert]
            choices.append(Choice(expert, int(scores[expert]), int(room[expert])))
        routed.append(choices)
        if last:
            counts.clear()
    return routed


def routed_word(choices: Sequence[Choice], last: bool, *, score_bits: int, index_bits: int) -> int:
    """Output word of the kernel: {last, choices}, a choice {kept, score, expert}, the best in the low bits."""
    fields = [
        field
        for choice in choices
        for field in ((choice.expert, index_bits), (choice.score, score_bits), (choice.kept, 1))
    ]
    return concatenate([*fields, (int(last), 1)])
