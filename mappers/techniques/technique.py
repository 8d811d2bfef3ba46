"""What a technique is: a name, its paper, its parameters, and how it rewrites the operators of a pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.errors import InputError, did_you_mean
from hwsim.graph import OperatorGraph
from hwsim.operators import Operator

Values = Mapping[str, float]
#: Bytes of keys and values for ``tokens`` cached tokens in a number format (None: as the workload states it).
KvBytes = Callable[[int, str | None], float]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A number that a technique takes, with its default and its bounds, both allowed."""

    name: str
    default: float
    minimum: float
    maximum: float
    summary: str
    whole: bool = True

    def read(self, text: str, technique: str) -> float:
        """Read a value.

        Raises
        ------
        InputError : not a number, not whole where it must be, or out of bounds
        """
        what = "a whole number" if self.whole else "a number"
        allowed = f"must be {what} from {self.minimum:g} to {self.maximum:g}"
        try:
            value = float(int(text)) if self.whole else float(text)
        except (ValueError, OverflowError):
            raise InputError(f"technique '{technique}': {self.name}(={text!r}) {allowed}") from None
        if not self.minimum <= value <= self.maximum:
            raise InputError(f"technique '{technique}': {self.name}(={text}) {allowed}")
        return value

    def text(self, value: float) -> str:
        """The value as ``--technique`` reads it."""
        return str(int(value)) if self.whole else repr(float(value)).removesuffix(".0")


@dataclass(frozen=True, kw_only=True)
class Technique:
    """A technique as its file states it.

    Attributes
    ----------
    name, summary, paper : as in ``hwsim list techniques``; what it does in a line; where it comes from
    changes : what it changes: in bytes, FLOPs, communication or order
    parameters : what it takes
    rewrite : the graph of a pass -> the graph with it
    layers : the network -> the network with other layers, for what a graph of folded layers cannot tell
    kv_bytes : bytes of the KV cache with it, from the bytes without it
    check : raises where values do not fit each other
    needs_skipped_zeros : without effect on a device whose products do not leave out zeros
    sets : what two techniques cannot both decide, such as the format of weights
    last : applied after the others, since it counts bits that they may change
    """

    name: str
    summary: str
    changes: str
    paper: str
    parameters: tuple[Parameter, ...] = ()
    rewrite: Callable[[OperatorGraph, Values], OperatorGraph] | None = None
    layers: Callable[[Any, Values], Any] | None = None
    kv_bytes: Callable[[KvBytes, int, Values], float] | None = None
    check: Callable[[Values], None] | None = None
    needs_skipped_zeros: bool = False
    sets: str = ""
    last: bool = False

    def document(self) -> dict[str, Any]:
        """What ``hwsim show`` prints."""
        return {
            "name": self.name, "summary": self.summary, "changes": self.changes, "paper": self.paper,
            "parameters": {
                each.name: f"{each.text(each.default)} ({each.text(each.minimum)} to {each.text(each.maximum)}): "
                f"{each.summary}"
                for each in self.parameters
            },
        }  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A technique with a value for each of its parameters."""

    technique: Technique
    values: Values

    @property
    def text(self) -> str:
        """As ``--technique`` reads it, every parameter written out."""
        pairs = ",".join(f"{each.name}={each.text(self.values[each.name])}" for each in self.technique.parameters)
        return f"{self.technique.name}:{pairs}" if pairs else self.technique.name


def choose(technique: Technique, settings: str) -> Choice:
    """Read ``key=value,...``; what is not stated has its default.

    Raises
    ------
    InputError : no ``=``, a key that does not exist or is given twice, a value that is not allowed
    """
    known = {each.name: each for each in technique.parameters}
    values = {each.name: each.default for each in technique.parameters}
    stated: set[str] = set()
    for part in settings.split(",") if settings else []:
        key, equals, text = (each.strip() for each in part.partition("="))
        if key not in known:
            raise InputError(
                f"technique '{technique.name}': '{key}' is not one of its parameters{did_you_mean(key, known)}; "
                f"allowed: {', '.join(known) or 'none'}"
            )
        if not equals or not text:
            raise InputError(f"technique '{technique.name}': '{part}' must read {key}=VALUE")
        if key in stated:
            raise InputError(f"technique '{technique.name}': '{key}' is given twice")
        stated.add(key)
        values[key] = known[key].read(text, technique.name)
    if technique.check is not None:
        technique.check(values)
    return Choice(technique, values)


def in_layers(graph: OperatorGraph, change: Callable[[Operator], Operator]) -> OperatorGraph:
    """Return the graph with ``change`` applied inside its repeated layers: embeddings and the head stay as they are.

    A network without repeated layers is changed everywhere. The router of experts stays as it is.
    """
    inside = {node.operator.name for node in graph if node.block is not None or not graph.blocks}
    changed = {name for name in inside if name.rpartition(".")[2] != "router"}
    return graph.map(lambda operator: change(operator) if operator.name in changed else operator)
