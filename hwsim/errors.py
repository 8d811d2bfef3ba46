"""The error family: every mistake a user can make is one of these, and its message is one readable line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_GUESSES = 3  # names a beginning may stand for before the list of known ones tells more


class HwsimError(Exception):
    """Base of all errors that hwsim raises on purpose; the command line prints it as one line, status 2."""

    def __str__(self) -> str:
        return " ".join(str(argument) for argument in self.args)


class InputError(HwsimError, ValueError):
    """A value given by the user is impossible: names the field, the value got and what is allowed."""


class UnknownNameError(HwsimError, KeyError):
    """A name is not in the catalog, a key not in a schema: names it and the nearest known ones."""


class DoesNotFitError(HwsimError, ValueError):
    """A network or a design needs more of a resource than the device has; says by how much and what would fit."""


class MissingExtraError(HwsimError, ImportError):
    """An optional package is not installed; names the extra that brings it."""


class UnsupportedError(HwsimError, ValueError):
    """The request is well formed, but this device, operator or phase cannot serve it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known name, for those it begins, or an empty string.

    >>> did_you_mean("a100-smx-80gb", ["a100-sxm-80gb", "h100-sxm-80gb"])
    "; did you mean 'a100-sxm-80gb'?"
    >>> did_you_mean("a100", ["a100-sxm-40gb", "a100-sxm-80gb", "dgx-a100"])
    "; did you mean 'a100-sxm-40gb' or 'a100-sxm-80gb'?"
    """
    names = list(known)
    begun = sorted(each for each in names if len(name) > 1 and each.startswith(name))[:MOST_GUESSES]
    close = begun or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(each) for each in close)}?" if close else ""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Build the error for a name that no catalog knows: the guess first, then the first dozen known names."""
    names = sorted(known)
    listed = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
    shown = " ".join(name.split())[:80]  # a message is one line
    return UnknownNameError(f"unknown {kind} '{shown}'{did_you_mean(name, names)}; known: {listed}")
