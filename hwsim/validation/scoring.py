"""How far predictions lie from measurements: relative errors, the noise of the measurements, the share within it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.validation.targets import Floats, Targets


@dataclass(frozen=True, kw_only=True)
class Score:
    """Errors of one set of points, as fractions (0.08 is 8 %).

    Attributes
    ----------
    points : how many
    mape, median, p90 : mean, median and 90th percentile of |predicted - measured| / measured
    bias : mean of (predicted - measured) / measured; above 0 is too slow
    noise_floor : mean of (slowest - fastest framework) / target over the points that several measured; None if none
    nearest : mean error to the framework whose value is nearest
    fastest : mean error to the fastest framework
    in_range : share of predictions between the fastest and the slowest framework, over points that several measured
    roofline : MAPE of max(FLOPs / peak FLOPs, bytes / peak bandwidth); None where it was not asked for
    """

    points: int
    mape: float
    median: float
    p90: float
    bias: float
    noise_floor: float | None
    nearest: float
    fastest: float
    in_range: float | None
    roofline: float | None

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)


def relative_errors(predicted_s: Floats, measured_s: Floats) -> Floats:
    """(predicted - measured) / measured."""
    return (predicted_s - measured_s) / measured_s


def score(targets: Targets, predicted_s: Floats, roofline_s: Floats | None = None) -> Score | None:
    """Score predictions of all points of ``targets``; None where there is none."""
    if not len(targets):
        return None
    signed = relative_errors(predicted_s, targets.latency_s)
    errors = np.abs(signed)
    frameworks = np.stack(list(targets.framework_s.values()))
    several = np.sum(np.isfinite(frameworks), axis=0) > 1
    spread = ((targets.slowest_s - targets.fastest_s) / targets.latency_s)[several]
    inside = (predicted_s >= targets.fastest_s) & (predicted_s <= targets.slowest_s)
    nearest = np.nanmin(np.abs(frameworks - predicted_s) / frameworks, axis=0)
    return Score(
        points=len(targets),
        mape=float(np.mean(errors)),
        median=float(np.median(errors)),
        p90=float(np.quantile(errors, 0.9)),
        bias=float(np.mean(signed)),
        noise_floor=float(np.mean(spread)) if several.any() else None,
        nearest=float(np.mean(nearest)),
        fastest=float(np.mean(np.abs(relative_errors(predicted_s, targets.fastest_s)))),
        in_range=float(np.mean(inside[several])) if several.any() else None,
        roofline=None if roofline_s is None else float(np.mean(np.abs(relative_errors(roofline_s, targets.latency_s)))),
    )


def score_where(
    targets: Targets, chosen: NDArray[np.bool_], predicted_s: Floats, roofline_s: Floats | None = None
) -> Score | None:
    """Score the chosen points; None where there is none."""
    return score(targets.where(chosen), predicted_s[chosen], None if roofline_s is None else roofline_s[chosen])


def by_size(targets: Targets, predicted_s: Floats, roofline_s: Floats | None = None) -> dict[str, Score]:
    """Score each size class, the class of the smallest values (by median) first."""
    classes = {str(label): targets.size_class == label for label in np.unique(targets.size_class)}
    scores = {
        label: score_where(targets, chosen, predicted_s, roofline_s)
        for label, chosen in sorted(classes.items(), key=lambda item: float(np.median(targets.latency_s[item[1]])))
    }
    return {label: found for label, found in scores.items() if found is not None}


Predict = Callable[[Targets], Floats]


def predict(targets: Targets) -> Floats:
    """Seconds that `hwsim.estimate` gives for every point."""
    import hwsim

    found: Floats = np.asarray(hwsim.estimate(targets.device, targets.operator, **targets.arguments).latency_s)
    return found
