"""Schemas of catalog files that belong to no family: systems and runtime profiles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hwsim.models.catalog.schema import Table, Time


class SystemFile(Table):
    """Several equal devices and the link that joins them."""

    description: str = ""
    sources: dict[str, str] = {}
    device: str
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    link: str | None = None


class RuntimeFile(Table):
    """A runtime profile: host time a kernel, device gap between kernels, host time a layer,
    a collective and a step; memory accesses a logit of sampling."""

    description: str = ""
    sources: dict[str, str] = {}
    host: Time
    gap: Time
    layer: Time
    collective: Time = 0.0
    step: Time = 0.0
    attention: Literal["fused", "unfused"] = "fused"
    all_reduce: Literal["nccl", "best"] = "nccl"
    sampling: Annotated[float, Field(ge=0.0, le=10_000.0)] = 0.0
