"""XL3M: published figures with asserted bounds."""

from __future__ import annotations

from hwsim.experiments.papers import xl3m
from hwsim.experiments.reproduction import Row


def errors(rows: list[Row]) -> dict[str, float]:
    return {f"{row.case}: {row.metric}": row.error or 0.0 for row in rows if row.judged}


def test_xl3m_needs_segments_and_fits_with_them() -> None:
    assert xl3m.fits(xl3m.SEGMENT)
    assert xl3m.longest_without_segments() < 1e6
    assert all(error == 0.0 for error in errors(xl3m.rows()).values())
    assert 100.0 < xl3m.prefill_s(xl3m.TOKENS) < 400.0
