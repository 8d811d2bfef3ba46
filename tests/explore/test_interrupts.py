"""Ctrl-C waits for what must not be left half done, and is not lost."""

from __future__ import annotations

import os
import signal

import pytest

from hwsim.explore.interrupts import held_interrupts


def test_an_interrupt_within_the_block_is_raised_when_the_block_has_ended() -> None:
    finished = False
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), held_interrupts():
        os.kill(os.getpid(), signal.SIGINT)
        finished = True
    assert finished
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_within_the_block_is_told_as_it_is() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="broken"), held_interrupts():
        raise ValueError("broken")
    assert signal.getsignal(signal.SIGINT) is before
