"""Stimulus of outlier_ecc: sound pages, flipped values, copies, addresses and thresholds, addresses out of order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from hwsim.models.flash.ecc_cycles import outlier_ecc_timing
from hwsim.models.npu.stream_timing import Timing
from hwsim.models.numerics.integers import concatenate, mask, wrap
from hwsim.models.numerics.outlier_ecc import (
    THRESHOLD_COPIES,
    correct_page,
    encode,
    entry_address,
    entry_bits,
    hamming_columns,
    protect,
)
from hwsim.rtl.streams import Mutant, Patterns, Scenario, sink_of

PARAMETER_SETS: list[dict[str, int]] = [
    {"VALUES": 48, "PROTECTED": 6, "LANES": 4, "VALUE_WIDTH": 8},
    {"VALUES": 24, "PROTECTED": 3, "LANES": 1, "VALUE_WIDTH": 6},
    {"VALUES": 32, "PROTECTED": 5, "LANES": 16, "VALUE_WIDTH": 8},
]
BINS = frozenset(
    ["sound", "value_flipped", "copy_flipped", "address_flipped", "address_lost", "address_beyond"]
    + ["threshold_flipped", "random", "zeroed", "voted", "two_in_a_beat", "dropped_behind", "left_at_the_end"]
    + ["all_zero", "all_lowest", "alternating"]
)
FRAME_BINS = [
    (name, lambda values, name=name: name != "left_at_the_end" or values["VALUES"] & (values["VALUES"] - 1) != 0)
    for name in sorted(BINS)
]
MUTANTS = [
    Mutant("majority of two", "bit_majority.v", "ones > HALF", "ones >= HALF"),
    Mutant("threshold off by one", "protect_lane.v", "magnitude > threshold_i", "magnitude >= threshold_i"),
    Mutant("magnitude without carry", "protect_lane.v", "? -value_i", "? ~value_i"),
    Mutant("sign ignored in the magnitude", "protect_lane.v", "value_i[VALUE_WIDTH-1] ? -value_i : value_i", "value_i"),
    Mutant(
        "address not corrected", "hamming_decode.v", "data_i[place] ^ (syndrome", "data_i[place] ^ (1'b0 & syndrome"
    ),
    Mutant(
        "entry of the next beat taken", "outlier_ecc.v", "ahead = address >= next_base", "ahead = address > next_base"
    ),
    Mutant(
        "patches kept for the next beat",
        "outlier_ecc.v",
        "if (take_page) patched <= {LANES{1'b0}};",
        "if (1'b0) patched <= {LANES{1'b0}};",
    ),
    Mutant("left entries not drained", "outlier_ecc.v", "state <= pending ? DRAIN : HEADER", "state <= HEADER"),
    Mutant("drained entries patch", "outlier_ecc.v", "take_entry && state == PAGE) patched", "take_entry) patched"),
    Mutant("stall ignored", "outlier_ecc.v", "assign advance = !y_valid || y_ready_i;", "assign advance = 1'b1;"),
]
Page = tuple[list[int], int, list[int]]


def _flip(word: int, bits: int, rng: random.Random, count: int = 1, start: int = 0) -> int:
    for place in rng.sample(range(start, bits), count):
        word ^= 1 << place
    return word


def _scenario(pages: Sequence[Page], parameters: Mapping[str, int], bins: set[str]) -> Scenario:
    lanes, width, values = parameters["LANES"], parameters["VALUE_WIDTH"], parameters["VALUES"]
    words: list[int] = []
    expected: list[int] = []
    addresses: list[list[int]] = []
    for page, threshold, entries in pages:
        corrected = correct_page(page, threshold, entries, lanes=lanes, bits=width)
        addresses.append([entry_address(entry, values) for entry in entries])
        beats = [address // lanes for address in addresses[-1]]
        bins |= {"two_in_a_beat"} if len(set(beats)) < len(beats) else set()
        bins |= {"dropped_behind"} if beats != sorted(beats) else set()
        bins |= {"left_at_the_end"} if max(addresses[-1]) >= values else set()
        for address, (before, after) in enumerate(zip(page, corrected, strict=True)):
            bins |= {"voted" if address in addresses[-1] else "zeroed"} if before != after else set()
        for start in range(0, values, lanes):
            words.append(concatenate([(value, width) for value in page[start : start + lanes]]))
            expected.append(concatenate([(value, width) for value in corrected[start : start + lanes]]))
    inputs = {
        "threshold": [threshold for _, threshold, _ in pages],
        "entry": [entry for _, _, entries in pages for entry in entries],
        "page": words,
    }

    def timing(patterns: Patterns) -> Timing:
        return outlier_ecc_timing(addresses, values=values, lanes=lanes, patterns=patterns, sink=sink_of(patterns))

    return Scenario(inputs, expected, timing, frozenset(bins))


def _damaged(page: list[int], parameters: Mapping[str, int], kind: str, rng: random.Random) -> Page:
    """Page with its spare area after errors of one kind."""
    width, values = parameters["VALUE_WIDTH"], parameters["VALUES"]
    threshold, entries = protect(page, parameters["PROTECTED"], width)
    total = entry_bits(values, width)
    address_part = total - 2 * width
    page = list(page)
    if kind in ("value_flipped", "random"):
        for address in [entry_address(entry, values) for entry in entries] + rng.sample(range(values), 6):
            page[address] = wrap(_flip(mask(page[address], width), width, rng), width)
    if kind in ("copy_flipped", "random"):
        entries = [_flip(entry, total, rng, start=address_part) for entry in entries]
    if kind in ("address_flipped", "random"):
        entries = [_flip(entry, address_part, rng) for entry in entries]
    if kind == "address_beyond":  # a sound word that names an address just past the page, or its last one
        highest = (1 << (values - 1).bit_length()) - 1
        beyond = min(highest, values + rng.randrange(parameters["LANES"]))
        check = encode(beyond, hamming_columns(beyond.bit_length()))
        entries[0] = entries[0] >> address_part << address_part | check << beyond.bit_length() | beyond
    if kind in ("address_lost", "random"):
        at = rng.randrange(len(entries))
        entries[at] = _flip(entries[at], address_part, rng, count=2)
    if kind in ("threshold_flipped", "random"):
        for copy in rng.sample(range(THRESHOLD_COPIES), 4):
            threshold ^= rng.randrange(1 << width) << (width * copy)
    return page, threshold, entries


def scenarios(parameters: Mapping[str, int], rng: random.Random) -> Iterator[Scenario]:
    """Directed corners, then random pages under errors of each kind."""
    values, width = parameters["VALUES"], parameters["VALUE_WIDTH"]
    low, high = -(1 << width - 1), (1 << width - 1) - 1
    corners = {"all_zero": [0] * values, "all_lowest": [low] * values, "alternating": ([low, high] * values)[:values]}
    for name, page in corners.items():
        yield _scenario([_damaged(page, parameters, "sound", rng)], parameters, {name})
    for kind in (
        "sound",
        "value_flipped",
        "copy_flipped",
        "address_flipped",
        "address_lost",
        "address_beyond",
        "threshold_flipped",
        "random",
    ):
        pages = []
        for _ in range(2 if kind == "sound" else 5):
            bound = rng.choice((3, high))
            page = [rng.randint(-bound, bound) for _ in range(values)]
            for address in rng.sample(range(values), parameters["PROTECTED"]):
                page[address] = rng.choice((low, high))
            pages.append(_damaged(page, parameters, kind, rng))
        pages.append(_damaged([0] * values, parameters, "sound", rng))  # what a page leaves is drained before it
        yield _scenario(pages, parameters, {kind})
