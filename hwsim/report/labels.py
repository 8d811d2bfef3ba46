"""Labels beside points without overlap: greedy placement, checked at every width a page may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WIDTHS_PX = (600, 760, 900, 1072)  # figure widths that must be free of overlap; between them labels only spread
CHARACTER_PX, LINE_PX = 6.9, 15.0  # of the label font at 12 px
LONGEST = 28  # characters; longer names are cut, the hover label has them whole


class Point(NamedTuple):
    """A marker at (x, y) in axis units with its radius in pixels; `named` asks for a label."""

    name: str
    x: float
    y: float
    radius: float
    named: bool = True


class Label(NamedTuple):
    """A label centred (dx, dy) pixels right of and above its point."""

    point: Point
    text: str
    dx: float
    dy: float


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def inside(self, width: float, height: float) -> bool:
        return self.left >= 2 and self.right <= width - 2 and self.bottom >= 2 and self.top <= height - 2


def place_labels(
    points: Sequence[Point],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    height: float,
    side_margins: float,
) -> list[Label]:
    """Place labels of points, the first first; a label that finds no free place is left out (the hover has it).

    Parameters
    ----------
    points : markers in axis units, most important first
    x_range, y_range : axis ranges in the same units
    height : pixels of the plot area
    side_margins : pixels of the figure's width outside the plot area
    """
    widths = [width - side_margins for width in WIDTHS_PX]

    def at(point: Point, width: float) -> tuple[float, float]:
        return (
            (point.x - x_range[0]) / (x_range[1] - x_range[0]) * width,
            (point.y - y_range[0]) / (y_range[1] - y_range[0]) * height,
        )

    taken = [[_marker_box(*at(point, width), point.radius) for point in points] for width in widths]
    labels = []
    for index, point in enumerate(points):
        if not point.named:
            continue
        text = point.name if len(point.name) <= LONGEST else point.name[: LONGEST - 1] + "…"
        for dx, dy in _offsets(point.radius, len(text) * CHARACTER_PX):
            boxes = [_label_box(*at(point, width), dx, dy, text) for width in widths]
            if all(
                box.inside(width, height) and not any(box.overlaps(other) for j, other in enumerate(used) if j != index)
                for box, width, used in zip(boxes, widths, taken, strict=True)
            ):
                labels.append(Label(point, text, dx, dy))
                for box, used in zip(boxes, taken, strict=True):
                    used.append(box)
                break
    return labels


def _offsets(radius: float, text_px: float) -> list[tuple[float, float]]:
    """Try near places first: right, left, above, below, then further out on all sides."""
    side = radius + text_px / 2 + 6
    places = [(side, 0.0), (-side, 0.0), (0.0, radius + 11), (0.0, -radius - 11)]
    for ring in range(1, 10):
        rise = 14.0 * ring
        for dx in (side + 6 * ring, -side - 6 * ring, text_px / 2, -text_px / 2):
            places += [(dx, rise), (dx, -rise)]
    return places


def _marker_box(x: float, y: float, radius: float) -> _Box:
    return _Box(x - radius, y - radius, x + radius, y + radius)


def _label_box(x: float, y: float, dx: float, dy: float, text: str) -> _Box:
    half = len(text) * CHARACTER_PX / 2 + 2
    return _Box(x + dx - half, y + dy - LINE_PX / 2, x + dx + half, y + dy + LINE_PX / 2)
