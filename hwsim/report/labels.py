"""Labels beside points without overlap: near points share a label, places are checked at every width of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

WIDTHS_PX = (680, 780, 900, 1072)  # figure widths that must be free of overlap; between them labels only spread
CHARACTER_PX, LINE_PX = 6.7, 15.0  # of the label font at 12 px
LINE_CHARACTERS = 30  # a label's lines break here; longer names are cut (the hover label has them whole)
MOST_LINES = 4
NEAR_PX = 13.0  # points whose centres are nearer than this share a label


class Point(NamedTuple):
    """A marker at (x, y) in axis units with its radius in pixels; points of different `group` never share a label."""

    name: str
    x: float
    y: float
    radius: float
    group: int = 0


class Label(NamedTuple):
    """Lines of text centred (dx, dy) pixels right of and above a point."""

    point: Point
    lines: tuple[str, ...]
    dx: float
    dy: float


class Frame(NamedTuple):
    """A plot area: axis ranges, height in pixels, and pixels of the figure's width outside the area."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    height: float
    side_margins: float

    def at(self, x: float, y: float, width: float) -> tuple[float, float]:
        """Return pixels right of and above the area's lower left corner, for a figure width."""
        across = (x - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        up = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return across * (width - self.side_margins), up * self.height


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, x: float, y: float, half_width: float, half_height: float) -> Box:
        """Return the box with this centre."""
        return cls(x - half_width, y - half_height, x + half_width, y + half_height)

    def overlaps(self, other: Box) -> bool:
        """Say whether two boxes share an area."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def inside(self, width: float, height: float) -> bool:
        """Say whether the box lies within an area."""
        return self.left >= 2 and self.right <= width - 2 and self.bottom >= 2 and self.top <= height - 2


def place_labels(points: Sequence[Point], frame: Frame, avoid: Sequence[tuple[float, float]] = ()) -> list[Label]:
    """Place labels of points, the first first; a label that finds no free place is left out.

    Parameters
    ----------
    points : markers in axis units, most important first
    frame : the plot area
    avoid : places in axis units that a label should not cover, such as samples of a line

    Returns
    -------
    list of Label : one for each cluster of near points, without overlap at every width of `WIDTHS_PX`
    """
    obstacles = [
        [Box.around(*frame.at(point.x, point.y, width), point.radius, point.radius) for point in points]
        + [Box.around(*frame.at(x, y, width), 3.0, 3.0) for x, y in avoid]
        for width in WIDTHS_PX
    ]
    labels = []
    for members in clusters(points, frame):
        point = points[members[0]]
        lines = wrap([points[index].name for index in members])
        for dx, dy in _offsets(max(points[index].radius for index in members), lines):
            boxes = [_label_box(frame, point, width, dx, dy, lines) for width in WIDTHS_PX]
            if all(_free(*each, frame) for each in zip(boxes, WIDTHS_PX, obstacles, strict=True)):
                labels.append(Label(point, lines, dx, dy))
                for box, used in zip(boxes, obstacles, strict=True):
                    used.append(box)
                break
    return labels


def clusters(points: Sequence[Point], frame: Frame) -> list[list[int]]:
    """Group points of one `group` that lie within `NEAR_PX` of a cluster's first point, or under its marker."""
    found: list[list[int]] = []
    for index, point in enumerate(points):
        x, y = frame.at(point.x, point.y, WIDTHS_PX[-1])
        for members in found:
            first = points[members[0]]
            near_x, near_y = frame.at(first.x, first.y, WIDTHS_PX[-1])
            reach = max(NEAR_PX, first.radius)
            if first.group == point.group and (x - near_x) ** 2 + (y - near_y) ** 2 < reach**2:
                members.append(index)
                break
        else:
            found.append([index])
    return found


def wrap(names: Sequence[str]) -> tuple[str, ...]:
    """Break a list of names into short lines; what does not fit is counted.

    >>> wrap(["gate_up", "down", "output_projection", "head"])
    ('gate_up, down,', 'output_projection, head')
    """
    lines: list[str] = []
    for index, name in enumerate(names):
        text = name if len(name) <= LINE_CHARACTERS else name[: LINE_CHARACTERS - 1] + "…"
        text += "," if index < len(names) - 1 else ""
        if lines and len(lines[-1]) + 1 + len(text) <= LINE_CHARACTERS:
            lines[-1] += f" {text}"
        elif len(lines) == MOST_LINES:
            lines[-1] += f" +{len(names) - index}"
            break
        else:
            lines.append(text)
    return tuple(lines)


def _half_size(lines: Sequence[str]) -> tuple[float, float]:
    return max(map(len, lines)) * CHARACTER_PX / 2 + 5, len(lines) * LINE_PX / 2


def _label_box(frame: Frame, point: Point, width: float, dx: float, dy: float, lines: Sequence[str]) -> Box:
    x, y = frame.at(point.x, point.y, width)
    return Box.around(x + dx, y + dy, *_half_size(lines))


def _free(box: Box, width: float, used: Sequence[Box], frame: Frame) -> bool:
    inside = box.inside(width - frame.side_margins, frame.height)
    return inside and not any(box.overlaps(other) for other in used)


def _offsets(radius: float, lines: Sequence[str]) -> Iterator[tuple[float, float]]:
    """Try near places first: right, left, below, above, then further out on all sides."""
    half_width, half_height = _half_size(lines)
    for ring in range(14):
        reach = radius + 5 + 13.0 * ring
        across, up = half_width + reach, half_height + reach
        yield from ((across, 0.0), (-across, 0.0), (0.0, -up), (0.0, up))
        for slant in (0.5, 1.0):
            for dx, dy in ((half_width, -up), (half_width, up), (-half_width, -up), (-half_width, up)):
                yield (dx * slant, dy)
            for dx, dy in ((across, -up), (across, up), (-across, -up), (-across, up)):
                yield (dx, dy * slant)
