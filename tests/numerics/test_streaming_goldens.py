"""The golden models of the streaming kernels against independent formulas and published figures."""

from __future__ import annotations

import random
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.models.fpga.sparse_chain_cycles import guard_limit
from hwsim.models.numerics import outlier_ecc, product_quantization, routing, shift, sparse, ternary
from hwsim.models.numerics.integers import mask, wrap

BYTES = st.integers(-128, 127)


@pytest.mark.parametrize("trits_per_byte", [4, 5])
def test_packed_digits_come_back_and_every_word_has_a_meaning(trits_per_byte: int) -> None:
    for digits in product((-1, 0, 1), repeat=5):
        assert ternary.unpack(ternary.pack(digits, trits_per_byte), 5, trits_per_byte) == list(digits)
    assert all(set(ternary.unpack(word, 5, trits_per_byte)) <= {-1, 0, 1} for word in range(256))
    assert ternary.packed_bits(1000, trits_per_byte) == {4: 2000, 5: 1600}[trits_per_byte]


def test_digits_that_are_not_ternary_are_refused() -> None:
    with pytest.raises(InputError, match="digits must be -1, 0 or 1"):
        ternary.pack([2], 4)
    with pytest.raises(InputError, match="trits_per_byte"):
        ternary.pack([1], 6)


@given(st.lists(st.floats(-4, 4), min_size=1, max_size=40), st.floats(0, 2))
def test_the_dead_zone_bias_is_what_ternarising_leaves_out(weights: list[float], threshold: float) -> None:
    digits = ternary.ternarise(weights, threshold)
    kept = np.where(digits == 0, 0.0, weights).sum()
    assert ternary.dead_zone_bias(weights, threshold, 1.0) == pytest.approx(np.sum(weights) - kept, abs=1e-9)


@given(st.lists(st.tuples(BYTES, st.sampled_from([-1, 0, 1])), min_size=1), st.integers(-(2**40), 2**40))
def test_a_ternary_dot_is_the_plain_dot_wrapped(pairs: list[tuple[int, int]], bias: int) -> None:
    activations, digits = zip(*pairs, strict=True)
    exact = bias + int(np.dot(activations, digits))
    assert ternary.ternary_dot(activations, digits, bias) == int(np.int64(exact).astype(np.int32))


@pytest.mark.parametrize(("bits", "largest"), [(2, 2), (3, 8), (4, 128)])
def test_shift_weights_are_signed_powers_of_two_without_zero(bits: int, largest: int) -> None:
    weights = [shift.shift_weight(code, bits) for code in range(1 << bits)]
    assert sorted(map(abs, weights)) == sorted(2 * [1 << e for e in range(1 << bits - 1)])
    assert max(weights) == -min(weights) == largest
    assert shift.shift_quantise(weights, 1.0, bits).tolist() == list(range(1 << bits))
    assert shift.shift_dot([3] * len(weights), range(1 << bits), bits) == 3 * sum(weights)
    with pytest.raises(InputError, match="bits"):
        shift.shift_weight(0, 5)


@given(st.lists(st.tuples(BYTES, BYTES, BYTES), min_size=1, max_size=40), st.integers(15, 18))
def test_two_products_in_one_multiplier_are_two_dot_products(terms: list[tuple[int, int, int]], field: int) -> None:
    first, second, weights = zip(*terms, strict=True)
    packed = sparse.packed_dot(list(zip(first, second, strict=True)), weights, field=max(field, 16))
    assert packed == (int(np.dot(first, weights)), int(np.dot(second, weights)))


def test_the_guard_bits_hold_seven_products_and_not_eight() -> None:
    assert guard_limit(8, 8, 18) == 7
    assert wrap(7 * 128 * 128, 18) == 7 * 128 * 128
    assert wrap(8 * 128 * 128, 18) != 8 * 128 * 128


@given(st.lists(st.sampled_from([0, 2, 4, 8]), min_size=1, max_size=12), st.sampled_from([8, 16]), st.integers(0, 99))
def test_a_compressed_row_multiplies_like_the_row(densities: list[int], chain: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    row = sparse.prune(rng.choice([-128, -3, 1, 127], size=16 * len(densities)), densities)
    assert [int(np.count_nonzero(block)) for block in row.reshape(-1, 16)] == densities
    activations = rng.integers(-128, 128, size=row.size).reshape(-1, 16)
    beats = sparse.compress(row, chain)
    total = sum(sparse.beat_dot(beat, activations[list(beat.blocks)]) for beat in beats)
    assert total == sparse.sparse_dot(activations, row) == int(activations.ravel() @ row)
    assert len(beats) == max(1, sum(-(-densities.count(d) * d // chain) for d in (8, 4, 2)))


def test_a_block_that_keeps_too_much_is_refused() -> None:
    with pytest.raises(InputError, match="keeps 9 weights"):
        sparse.compress([1] * 9 + [0] * 7, 8)
    with pytest.raises(InputError, match="density"):
        sparse.prune([1] * 16, [3])


@given(
    st.lists(st.lists(st.integers(-8, 7), min_size=4, max_size=4), min_size=1, max_size=20),
    st.integers(1, 4),
    st.integers(1, 5),
    st.booleans(),
)
def test_no_expert_takes_more_than_its_capacity(
    scores: list[list[int]], top_k: int, capacity: int, reroute: bool
) -> None:
    routed = routing.route([(token, False) for token in scores], top_k=top_k, capacity=capacity, reroute=reroute)
    kept = [choice.expert for choices in routed for choice in choices if choice.kept]
    assert all(kept.count(expert) <= capacity for expert in range(4))
    for token, choices in zip(scores, routed, strict=True):
        experts = [choice.expert for choice in choices if choice.kept]
        assert len(set(experts)) == len(experts)
        if not reroute:
            best = sorted(range(4), key=lambda e, token=token: (-token[e], e))[:top_k]  # type: ignore[misc]
            assert [choice.expert for choice in choices] == best
    counts = [0] * 4
    for choices in routed:
        for choice in choices:
            mine = {other.expert for other in choices if other.kept}
            assert choice.kept or not reroute or all(counts[e] >= capacity for e in range(4) if e not in mine)
            counts[choice.expert] += choice.kept


def test_cambricons_spare_area_takes_the_published_722_bytes() -> None:
    assert int(outlier_ecc.spare_bytes(16384, 163)) == 722
    assert outlier_ecc.entry_bits(16384) == 14 + 5 + 16


def test_hamming_columns_tell_every_single_error_apart() -> None:
    columns = outlier_ecc.hamming_columns(14)
    for data in (0, 0x3FFF, 0x2A5C):
        check = outlier_ecc.encode(data, columns)
        for place in range(14):
            assert outlier_ecc.hamming_correct(data ^ 1 << place, check, columns) == data
        for place in range(5):
            assert outlier_ecc.hamming_correct(data, check ^ 1 << place, columns) == data


@pytest.mark.parametrize("data_bits", [4, 11, 12, 32, 57, 64])
def test_secded_corrects_every_single_and_detects_every_double_error(data_bits: int) -> None:
    columns = outlier_ecc.secded_columns(data_bits)
    check_bits = outlier_ecc.check_bits(data_bits, detect_two=True)
    data = random.Random(data_bits).randrange(1 << data_bits)
    word = data | outlier_ecc.encode(data, columns) << data_bits
    for place in range(data_bits + check_bits):
        wrong = word ^ 1 << place
        assert outlier_ecc.secded_decode(mask(wrong, data_bits), wrong >> data_bits, columns) == (data, 1, 0)
    for one, two in combinations(range(data_bits + check_bits), 2):
        wrong = word ^ 1 << one ^ 1 << two
        assert outlier_ecc.secded_decode(mask(wrong, data_bits), wrong >> data_bits, columns)[1:] == (0, 1)


@given(st.lists(BYTES, min_size=32, max_size=32), st.integers(1, 8), st.sampled_from([1, 4, 32]), st.data())
def test_a_page_with_one_copy_of_each_outlier_damaged_reads_as_written(
    values: list[int], protected: int, lanes: int, data: st.DataObject
) -> None:
    threshold, entries = outlier_ecc.protect(values, protected)
    assert outlier_ecc.correct_page(values, threshold, entries, lanes=lanes) == values
    damaged = list(values)
    for entry in entries:
        damaged[outlier_ecc.entry_address(entry, 32)] = data.draw(BYTES)
    assert outlier_ecc.correct_page(damaged, threshold, entries, lanes=lanes) == values


def test_protection_turns_a_flip_rate_x_into_three_x_squared() -> None:
    rng = random.Random(3)
    rate, trials = 0.01, 40_000
    wrong = 0
    for _ in range(trials):
        copies = [sum(1 << bit for bit in range(8) if rng.random() < rate) for _ in range(3)]
        wrong += outlier_ecc.majority(copies).bit_count()
    assert wrong / (8 * trials) == pytest.approx(3 * rate**2, rel=0.2)


@given(st.integers(0, 999), st.integers(1, 12))
def test_product_quantised_attention_is_attention_over_the_centroids(seed: int, tokens: int) -> None:
    rng = np.random.default_rng(seed)
    book = rng.integers(-128, 128, size=(4, 8, 2))
    codes = product_quantization.quantise(rng.integers(-128, 128, size=(tokens, 8)), book)
    rebuilt = book[np.arange(4), codes].reshape(tokens, 8)
    query = rng.integers(-128, 128, size=8)
    table = product_quantization.score_table(query, book)
    assert product_quantization.scores(table, codes).tolist() == (rebuilt @ query).tolist()
    weights = rng.integers(0, 256, size=tokens)
    values = product_quantization.weighted_values(weights, codes, book, 32)
    assert values.ravel().tolist() == (weights @ rebuilt).tolist()
    assert (product_quantization.quantise(rebuilt, book) == codes).all() or len(np.unique(book, axis=1)) < 8
