"""XL3M: published figures with asserted bounds."""

from __future__ import annotations

from hwsim.experiments.papers import xl3m
from hwsim.experiments.reproduction import judged_errors


def test_xl3m_needs_segments_and_fits_with_them() -> None:
    assert xl3m.fits(xl3m.SEGMENT)
    assert xl3m.longest_without_segments() < 1e6
    assert all(error == 0.0 for error in judged_errors(xl3m.rows()).values())
    assert 100.0 < xl3m.prefill_s(xl3m.TOKENS) < 400.0
