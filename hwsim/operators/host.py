"""What the host does in a step beside launching kernels: an operator without arithmetic on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwsim.operators.base import Operator


@dataclass(frozen=True, kw_only=True)
class HostStep(Operator):
    """Scheduling, sampling, detokenising: the device waits, nothing moves."""

    kind: ClassVar[str] = "host"

    @property
    def flops(self) -> float:
        return 0.0

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        return {}

    @property
    def input_elements(self) -> float:
        return 0.0

    @property
    def output_elements(self) -> float:
        return 0.0
