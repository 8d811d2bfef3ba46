"""A workload: which phase of a network, how much of it, in which formats, cut over how many devices."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any

from hwsim.errors import InputError, did_you_mean
from hwsim.formats import number_format

PHASES = ("prefill", "decode", "generate", "forward")
PARALLEL_KEYS = ("tp", "pp", "ep", "dp")
LARGEST_COUNT = 10**9  # a batch or a length above this is a typing error, not a workload


def _whole(name: str, value: Any, minimum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (Integral, float)) or not float(value).is_integer():
        raise InputError(f"{name}(={value!r}) must be a whole number")
    whole = int(value)
    if not minimum <= whole <= LARGEST_COUNT:
        raise InputError(f"{name}(={value}) must be between {minimum} and {LARGEST_COUNT}")
    return whole


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """How a network is cut: tensor, pipeline and expert parallel degrees, and the groups that share the requests.

    ``dp`` 0 means as many groups as ``ep``: every rank of experts has requests of its own. With ``dp`` stated, experts
    are spread over ``ep`` of the ``tp * dp`` devices of a stage and cut over the rest: ``tp=8,ep=8,dp=1`` is tensor
    parallel attention with whole experts on each device.
    """

    tp: int = 1
    pp: int = 1
    ep: int = 1
    dp: int = 0

    def __post_init__(self) -> None:
        if self.tp * self.groups % self.ep:
            raise InputError(f"parallel ep(={self.ep}) must divide tp(={self.tp}) times dp(={self.groups})")

    @property
    def groups(self) -> int:
        """Groups of devices that each have requests of their own."""
        return self.dp or self.ep

    @property
    def devices(self) -> int:
        """Devices needed: the product of the groups, their ``tp`` devices and the stages."""
        return self.tp * self.pp * self.groups


def read_parallel(text: str | dict[str, int] | None) -> Parallel:
    """Read ``"tp=4,pp=1"`` or a dictionary.

    Raises
    ------
    InputError : an unknown key, a degree that is not a whole number above 0
    """
    if not text:
        return Parallel()
    if isinstance(text, dict):
        pairs: list[tuple[str, object]] = [(str(key), value) for key, value in text.items()]
    elif not isinstance(text, str):
        raise InputError(f"parallel(={text!r}) must read 'tp=4,pp=1' or {{'tp': 4}}")
    else:
        pairs = [(key.strip(), value) for key, _, value in (part.partition("=") for part in text.split(","))]
    degrees: dict[str, int] = {}
    for key, value in pairs:
        if key not in PARALLEL_KEYS:
            raise InputError(
                f"parallel: '{key}' is not a kind{did_you_mean(key, PARALLEL_KEYS)}; allowed: tp=N,pp=N,ep=N,dp=N"
            )
        try:
            degrees[key] = _whole(f"parallel {key}", int(str(value)), 1)
        except (TypeError, ValueError) as error:
            raise InputError(f"parallel: {key}(={value!r}) must be a whole number >= 1") from error
    return Parallel(**degrees)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is asked of a network. Lengths are tokens a request; formats are names such as ``bf16``."""

    phase: str = "decode"
    batch: int = 1
    prompt: int = 1024
    context: int = 1024
    output: int = 128
    weights: str = "bf16"
    activations: str = "bf16"
    kv: str = "bf16"
    parallel: Parallel = field(default_factory=Parallel)

    def __post_init__(self) -> None:
        if self.phase not in PHASES:
            raise InputError(
                f"phase '{self.phase}'{did_you_mean(str(self.phase), PHASES)}; allowed: {', '.join(PHASES)}"
            )
        for name in ("batch", "prompt", "output"):
            object.__setattr__(self, name, _whole(name, getattr(self, name), 1))
        object.__setattr__(self, "context", _whole("context", self.context, 0))
        for name in ("weights", "activations", "kv"):
            number_format(getattr(self, name))

    @property
    def formats(self) -> dict[str, str]:
        """Formats by tensor kind."""
        return {"weights": self.weights, "activations": self.activations, "kv": self.kv}

    @property
    def longest(self) -> int:
        """Tokens a request has in its KV cache at the end of the phase."""
        return {
            "prefill": self.prompt,
            "decode": self.context + 1,
            "generate": self.prompt + self.output - 1,
            "forward": self.prompt,
        }[self.phase]

    def with_(self, **changes: Any) -> Workload:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)


def workload_of(
    network: Any,
    *,
    weights: str | None = None,
    activations: str | None = None,
    kv: str | None = None,
    parallel: str | dict[str, int] | None = None,
    **lengths: Any,
) -> Workload:
    """Return a workload in the network's own formats where none is named; the cache takes the activations' format.

    ``lengths`` are the phase and the lengths of `Workload`.
    """
    default = activations or network.default_format
    return Workload(
        parallel=read_parallel(parallel), weights=weights or network.default_format,
        activations=default, kv=kv or default, **lengths,
    )  # fmt: skip
