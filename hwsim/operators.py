"""Operators: frozen records that know their own FLOPs and their bytes by tensor kind. Devices add time and energy.

Shapes are those of one call on one device; `count` in the graph says how often the call repeats. FLOPs count a
multiply-add as two. Bytes are the compulsory ones: each tensor read or written once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeVar

from hwsim.errors import InputError, did_you_mean
from hwsim.formats import number_format
from hwsim.routing import check_routing, load_peak, touched_experts

SCALINGS = ("tensor", "row", "block")
TensorKind = Literal["weight", "activation", "kv", "codebook", "message"]
Self = TypeVar("Self", bound="Operator")


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A unit of work. Subclasses give `flops`, `bytes_by_kind` and the element counts of their input and output."""

    name: str
    kind: ClassVar[str] = "operator"
    dtype: str = "bf16"

    def __post_init__(self) -> None:
        for field in self.__dataclass_fields__:
            value = getattr(self, field)
            if field in _POSITIVE and not _everywhere(value > 0):
                raise InputError(f"operator '{self.name}': {field}(={value}) must be > 0")
            if field in _NOT_NEGATIVE and not _everywhere(value >= 0):
                raise InputError(f"operator '{self.name}': {field}(={value}) must be >= 0")
            if field.endswith("dtype"):
                number_format(value)

    @property
    def flops(self) -> float:
        """Floating-point (or integer) operations of one call, a multiply-add being two."""
        raise AttributeError(f"{type(self).__name__} must define flops")

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        """Compulsory bytes of one call by tensor kind: weight, activation, kv, codebook, message."""
        raise AttributeError(f"{type(self).__name__} must define bytes_by_kind")

    @property
    def bytes(self) -> float:
        """Compulsory bytes of one call."""
        return sum(self.bytes_by_kind.values())

    @property
    def parameters(self) -> float:
        """Stored weights (values, not bytes) of one call's operator."""
        return 0.0

    @property
    def weight_bytes(self) -> float:
        """Stored weight bytes, all experts included; what the weights take in memory."""
        return 0.0

    @property
    def input_elements(self) -> float:
        """Elements of the activation that comes in along an edge."""
        raise AttributeError(f"{type(self).__name__} must define input_elements")

    @property
    def output_elements(self) -> float:
        """Elements of the activation that goes out along an edge."""
        raise AttributeError(f"{type(self).__name__} must define output_elements")

    def with_(self: Self, **changes: Any) -> Self:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)


def _everywhere(true: Any) -> bool:
    """True of True, and of an array that is so in every place: closed forms take arrays as they are."""
    return true if isinstance(true, bool) else bool(true.all())


_POSITIVE = frozenset(
    (
        "m", "n", "k", "batch", "query_length", "kv_length", "heads", "kv_heads", "head_dim", "value_head_dim",
        "tokens", "hidden", "intermediate", "experts", "top_k", "rows", "columns", "elements", "ranks",
    )
)  # fmt: skip
_NOT_NEGATIVE = frozenset(("window", "reads", "writes", "weights"))


def _bytes(elements: float, dtype: str) -> float:
    return elements * number_format(dtype).bytes


@dataclass(frozen=True, kw_only=True)
class Matmul(Operator):
    """``batch`` products of an (m, k) activation with a (k, n) weight; ``weight=False`` when both are activations."""

    kind: ClassVar[str] = "matmul"
    m: float
    n: float
    k: float
    batch: float = 1
    weight_dtype: str = ""
    scaling: Literal["tensor", "row", "block"] = "tensor"
    bias: bool = False
    weight: bool = True
    density: float = 1.0  # share of the weights that N:M sparsity keeps; FLOPs and bytes count only those
    streamed: bool = False  # its rows come one by one from the layer before (dataflow designs overlap the two)
    weight_sets: float = 0.0  # equal sets of weights that take turns; 0 as in a network: too many for any cache

    def __post_init__(self) -> None:
        if not self.weight_dtype:
            object.__setattr__(self, "weight_dtype", self.dtype)
        super().__post_init__()
        if self.scaling not in SCALINGS:
            guess = did_you_mean(self.scaling, SCALINGS) + f"; allowed: {', '.join(SCALINGS)}"
            raise InputError(f"operator '{self.name}': scaling '{self.scaling}' does not exist{guess}")
        if not 0.0 < self.density <= 1.0:
            raise InputError(f"operator '{self.name}': density(={self.density}) must be above 0 and at most 1")

    @property
    def flops(self) -> float:
        return 2.0 * self.batch * self.m * self.n * self.k * self.density

    @property
    def parameters(self) -> float:
        return self.batch * (self.n * self.k + (self.n if self.bias else 0)) if self.weight else 0.0

    @property
    def weight_bytes(self) -> float:
        return _bytes(self.parameters, self.weight_dtype) * self.density

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        second = _bytes(self.batch * self.n * self.k, self.weight_dtype)
        activation = _bytes(self.batch * (self.m * self.k + self.m * self.n), self.dtype)
        if not self.weight:
            return {"activation": activation + second}
        return {"weight": self.weight_bytes, "activation": activation}

    @property
    def input_elements(self) -> float:
        return self.batch * self.m * self.k

    @property
    def output_elements(self) -> float:
        return self.batch * self.m * self.n


@dataclass(frozen=True, kw_only=True)
class Attention(Operator):
    """Scaled dot-product attention of ``query_length`` new tokens over ``kv_length`` cached ones (the new included).

    ``causal`` aligns the queries to the end of the KV; ``window`` above 0 keeps the last so many keys.
    """

    kind: ClassVar[str] = "attention"
    batch: float
    query_length: float
    kv_length: float
    heads: float
    kv_heads: float
    head_dim: float
    value_head_dim: float = 0
    window: float = 0
    kv_dtype: str = ""
    causal: bool = True

    def __post_init__(self) -> None:
        if not self.kv_dtype:
            object.__setattr__(self, "kv_dtype", self.dtype)
        if not self.value_head_dim:
            object.__setattr__(self, "value_head_dim", self.head_dim)
        super().__post_init__()
        if self.heads % self.kv_heads:
            raise InputError(
                f"operator '{self.name}': heads(={self.heads}) must be a multiple of kv_heads(={self.kv_heads})"
            )

    @property
    def visible_kv(self) -> float:
        """Average number of keys a query sees under the causal mask and the window."""
        q, kv = self.query_length, self.kv_length
        if not self.causal:
            return min(kv, self.window) if self.window else kv
        full = kv - (q - 1.0) / 2.0
        if not self.window or self.window >= kv:
            return max(full, 0.5)
        # Query i (0-based) sees min(kv - q + 1 + i, window) keys.
        first = kv - q + 1.0
        rising = min(max(self.window - first, 0.0), q)
        return (rising * (first + (rising - 1.0) / 2.0) + (q - rising) * self.window) / q

    @property
    def flops(self) -> float:
        return (
            2.0 * self.batch * self.heads * self.query_length * self.visible_kv * (self.head_dim + self.value_head_dim)
        )

    @property
    def read_kv(self) -> float:
        """Keys that at least one query sees."""
        return min(self.kv_length, self.window + self.query_length - 1) if self.window else self.kv_length

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        kv = self.batch * self.kv_heads * self.read_kv * (self.head_dim + self.value_head_dim)
        activation = self.batch * self.heads * self.query_length * (self.head_dim + self.value_head_dim)
        return {"kv": _bytes(kv, self.kv_dtype), "activation": _bytes(activation, self.dtype)}

    @property
    def input_elements(self) -> float:
        return (
            self.batch
            * self.query_length
            * (self.heads * self.head_dim + self.kv_heads * (self.head_dim + self.value_head_dim))
        )

    @property
    def output_elements(self) -> float:
        return self.batch * self.query_length * self.heads * self.value_head_dim


@dataclass(frozen=True, kw_only=True)
class MixtureOfExperts(Operator):
    """The routed experts of a layer as grouped matrix products: ``tokens`` before top-k, ``experts`` on this device.

    ``routing`` says how many tokens each expert gets: "balanced" (all alike), "uniform" (what independent random
    choices touch on average), "power_law_A" (loads drawn from a power law of exponent A), or a count for each expert.
    """

    kind: ClassVar[str] = "moe"
    tokens: float
    hidden: float
    intermediate: float
    experts: float
    top_k: float
    gated: bool = True
    weight_dtype: str = ""
    routing: str | tuple[float, ...] = "balanced"

    def __post_init__(self) -> None:
        if not self.weight_dtype:
            object.__setattr__(self, "weight_dtype", self.dtype)
        super().__post_init__()
        if not isinstance(self.routing, str):
            object.__setattr__(self, "routing", tuple(map(float, self.routing)))
        check_routing(self.name, self.routing, self.tokens, self.top_k, self.experts)

    @property
    def matrices(self) -> int:
        """Weight matrices an expert: gate, up and down, or up and down."""
        return 3 if self.gated else 2

    @property
    def flops(self) -> float:
        return 2.0 * self.tokens * self.top_k * self.matrices * self.hidden * self.intermediate

    @property
    def parameters(self) -> float:
        return self.experts * self.matrices * self.hidden * self.intermediate

    @property
    def weight_bytes(self) -> float:
        return _bytes(self.parameters, self.weight_dtype)

    @property
    def touched_experts(self) -> float:
        """Distinct experts with at least one token; see `hwsim.routing`."""
        return touched_experts(self.routing, self.tokens, self.top_k, self.experts)

    @property
    def load_peak(self) -> float:
        """Load of the busiest expert over the mean of those with a token; 1 where all are alike."""
        return load_peak(self.routing, self.tokens, self.top_k, self.experts)

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        weights = self.weight_bytes * self.touched_experts / self.experts
        activation = self.tokens * self.top_k * (2.0 * self.hidden + self.matrices * self.intermediate)
        return {"weight": weights, "activation": _bytes(activation, self.dtype)}

    @property
    def input_elements(self) -> float:
        return self.tokens * self.hidden

    @property
    def output_elements(self) -> float:
        return self.tokens * self.hidden


@dataclass(frozen=True, kw_only=True)
class Norm(Operator):
    """Layer or root-mean-square normalisation of (rows, columns); ``weights`` stored vectors of ``columns`` values."""

    kind: ClassVar[str] = "norm"
    rows: float
    columns: float
    weights: float = 1
    residual: bool = False

    @property
    def flops(self) -> float:
        return (5.0 if self.residual else 4.0) * self.rows * self.columns

    @property
    def parameters(self) -> float:
        return self.weights * self.columns

    @property
    def weight_bytes(self) -> float:
        return _bytes(self.parameters, self.dtype)

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        passes = 4.0 if self.residual else 2.0
        return {"weight": self.weight_bytes, "activation": _bytes(passes * self.rows * self.columns, self.dtype)}

    @property
    def input_elements(self) -> float:
        return self.rows * self.columns

    @property
    def output_elements(self) -> float:
        return self.rows * self.columns


@dataclass(frozen=True, kw_only=True)
class Softmax(Norm):
    """Row softmax of (rows, columns)."""

    kind: ClassVar[str] = "softmax"
    weights: float = 0


@dataclass(frozen=True, kw_only=True)
class Elementwise(Operator):
    """A map over ``elements`` outputs with ``reads`` and ``writes`` tensors of that size (activation, rotary, add)."""

    kind: ClassVar[str] = "elementwise"
    elements: float
    reads: float = 1
    writes: float = 1
    flops_per_element: float = 1
    input_size: float = 0

    @property
    def flops(self) -> float:
        return self.elements * self.flops_per_element

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        return {"activation": _bytes(self.elements * (self.reads + self.writes), self.dtype)}

    @property
    def input_elements(self) -> float:
        return self.input_size or self.elements

    @property
    def output_elements(self) -> float:
        return self.elements


@dataclass(frozen=True, kw_only=True)
class Gather(Operator):
    """Look up ``rows`` rows of ``columns`` values in a stored table of ``table_rows`` (token or position embedding)."""

    kind: ClassVar[str] = "gather"
    rows: float
    columns: float
    table_rows: float
    weight_dtype: str = ""
    stored: bool = True

    def __post_init__(self) -> None:
        if not self.weight_dtype:
            object.__setattr__(self, "weight_dtype", self.dtype)
        super().__post_init__()

    @property
    def flops(self) -> float:
        return 0.0

    @property
    def parameters(self) -> float:
        return self.table_rows * self.columns if self.stored else 0.0

    @property
    def weight_bytes(self) -> float:
        return _bytes(self.parameters, self.weight_dtype)

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        elements = self.rows * self.columns
        return {"weight": _bytes(elements, self.weight_dtype), "activation": _bytes(elements, self.dtype)}

    @property
    def input_elements(self) -> float:
        return self.rows

    @property
    def output_elements(self) -> float:
        return self.rows * self.columns


@dataclass(frozen=True, kw_only=True)
class Collective(Operator):
    """A collective over ``ranks`` devices; ``message_bytes`` is the whole (or gathered) tensor."""

    kind: ClassVar[str] = "collective"
    operation: str = "all_reduce"
    ranks: float
    elements: float
    algorithm: str = "nccl"

    @property
    def message_bytes(self) -> float:
        """Bytes of the whole tensor."""
        return _bytes(self.elements, self.dtype)

    @property
    def flops(self) -> float:
        return self.elements if "reduce" in self.operation else 0.0

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        return {"message": self.message_bytes}

    @property
    def input_elements(self) -> float:
        return self.elements

    @property
    def output_elements(self) -> float:
        return self.elements
