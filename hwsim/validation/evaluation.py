"""One measured table against the model: predictions by `hwsim.estimate`, a bare roofline beside them, and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.estimation import CLOSED_FORMS, KINDS
from hwsim.hardware import Device, System
from hwsim.validation.scoring import Score, by_size, relative_errors, score, score_where
from hwsim.validation.targets import Floats, Targets

NOT_FITTED = "not fitted"  # status of a table that no constant of its calibrated device was fitted to
WORST = 12  # offenders listed for a table
REASONS = {
    "compute": "tile products, their rounds over the SMs and the store of results",
    "memory": "traffic to main memory",
    "cache": "traffic between the L2 and the SMs",
    "link": "traffic over the link",
    "launch": "fixed times: start, first load, drain, further kernels",
}


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One table of one device: targets, predictions, what binds each, and a bare roofline, in seconds by point."""

    targets: Targets
    status: str
    predicted_s: Floats
    bound: NDArray[Any]
    roofline_s: Floats

    @property
    def all_rows(self) -> Score:
        """Score over all points."""
        found = score(self.targets, self.predicted_s, self.roofline_s)
        assert found is not None  # a table without points is never evaluated
        return found

    @property
    def never_fitted(self) -> Score:
        """Score over the points that no constant has seen: those held out, or all where nothing is fitted."""
        if self.status != "calibrated":
            return self.all_rows
        return self.held_out or self.all_rows

    @property
    def held_out(self) -> Score | None:
        """Score over the held-out points; None of a table that was not fitted."""
        if self.status == NOT_FITTED:
            return None
        return score_where(self.targets, self.targets.held_out, self.predicted_s, self.roofline_s)

    @property
    def sizes(self) -> dict[str, Score]:
        """Score by size class."""
        return by_size(self.targets, self.predicted_s, self.roofline_s)

    def worst(self, count: int = WORST) -> list[dict[str, Any]]:
        """Points with the largest errors: shape, seconds, error, and the reason: what the model says binds it."""
        signed = relative_errors(self.predicted_s, self.targets.latency_s)
        found = []
        for index in np.argsort(-np.abs(signed))[:count].tolist():
            arrays = {k: v for k, v in self.targets.arguments.items() if isinstance(v, np.ndarray)}
            measured = [float(values[index]) for values in self.targets.framework_s.values()]
            finite = [value for value in measured if np.isfinite(value)]
            spread = (max(finite) - min(finite)) / float(self.targets.latency_s[index])
            bound, unit = str(self.bound[index]), self.targets.unit.lower()
            found.append({
                "shape": ", ".join(f"{name} {float(values[index]):g}" for name, values in arrays.items()),
                f"measured_{unit}": float(self.targets.latency_s[index]),
                f"predicted_{unit}": float(self.predicted_s[index]),
                "error": float(signed[index]), "bound": bound, "spread": spread,
                "reason": f"{REASONS.get(bound, bound)}; the frameworks differ by {100 * spread:.0f} %",
            })  # fmt: skip
        return found


def evaluate(targets: Targets) -> Evaluation:
    """Predict all points of a table with `hwsim.estimate` and with the bare roofline."""
    import hwsim

    found = hwsim.estimate(targets.device, targets.operator, **targets.arguments)
    device = hwsim.device(targets.device)
    status = device.status.get("latency", "unvalidated")
    return Evaluation(
        targets=targets, status=NOT_FITTED if status == "calibrated" and not targets.fitted else status,
        predicted_s=np.asarray(found.latency_s), bound=np.asarray(found.bound), roofline_s=roofline(targets, device),
    )  # fmt: skip


def roofline(targets: Targets, device: Device) -> Floats:
    """Seconds of max(FLOPs / dense peak, bytes / pin bandwidth), or of the message over the link for a collective."""
    arrays = {name: value for name, value in targets.arguments.items() if isinstance(value, np.ndarray)}
    fixed = {name: value for name, value in targets.arguments.items() if name not in arrays}
    if targets.operator == "collective":
        link = _link(device)
        seconds: Floats = np.asarray(arrays["message_bytes"] / link) if link else np.full(len(targets), np.nan)
        return seconds
    builder = KINDS[targets.operator][0]
    peak = device.peak_flops_per_s.get(str(fixed.get("dtype", "bf16")), 0.0) or max(device.peak_flops_per_s.values())
    if targets.operator in CLOSED_FORMS:
        operator = builder(**arrays, **fixed)
        both: Floats = np.maximum(operator.flops / peak, operator.bytes / device.bandwidth_bytes_per_s)
        return both
    found = np.empty(len(targets))
    for index in range(len(targets)):
        operator = builder(**{name: float(values[index]) for name, values in arrays.items()}, **fixed)
        found[index] = max(operator.flops / peak, operator.bytes / device.bandwidth_bytes_per_s)
    return found


def _link(device: Device) -> float:
    import hwsim

    system = hwsim.system(f"2x {device.name}")
    assert isinstance(system, System)
    return system.link.bandwidth_bytes_per_s if system.link else 0.0
