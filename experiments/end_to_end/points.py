"""The measured serving points that aiconfigurator-core (extra ``validation``) ships, as records.

A point is served by one pool of devices (``agg``) or by two: prompts on one, tokens on the other (``disagg``).
"""

from __future__ import annotations

import csv
import importlib.util
import re
import zlib
from math import ceil
from pathlib import Path
from typing import NamedTuple

from hwsim.errors import InputError

LOOKED_AT, FOLDS = "h100_sxm", 5
SHORTEST = 0.8  # InferenceMAX README, RANDOM_RANGE_RATIO: prompts and outputs have 0.8 to 1 of the stated tokens
CONCURRENCY = re.compile(r"silicon_concurrency=(\d+)")


class Pool(NamedTuple):
    """Devices that serve alike: workers, each cut into groups of ``tensor`` devices that have requests of their own.

    ``workers`` and ``batch`` (requests of one group) are 0 where the sample does not state them.
    """

    tensor: int
    groups: int = 1
    experts: int = 1
    pipeline: int = 1
    workers: int = 1
    batch: int = 1

    @property
    def devices(self) -> int:
        """Devices of one worker."""
        return self.tensor * self.groups * self.pipeline


class Point(NamedTuple):
    """One measured serving point; seconds, tokens, requests in flight."""

    name: str
    model: str
    system: str
    backend: str
    precision: str
    prompt: int
    output: int
    concurrency: int
    pool: Pool  # that decodes
    prefill: Pool | None  # that runs the prompts, where it is another
    first_s: float
    token_s: float
    shortest: float = 1.0  # tokens of the shortest prompt and output over the stated ones

    @property
    def mean_prompt(self) -> int:
        """Tokens of a prompt on average: lengths are spread evenly from the shortest to the stated one."""
        return round(0.5 * (self.shortest + 1.0) * self.prompt)

    @property
    def mean_output(self) -> int:
        """Tokens generated for a request on average."""
        return round(0.5 * (self.shortest + 1.0) * self.output)

    @property
    def fitted(self) -> bool:
        """Whether a constant may be fitted to the point: an H100 point of one pool, outside the held-out fifth."""
        held_out = zlib.crc32(self.name.encode()) % FOLDS == 0
        return self.system == LOOKED_AT and self.prefill is None and not held_out

    @property
    def stated(self) -> bool:
        """Whether the sample states how many requests each group decodes."""
        return self.pool.batch > 0


def package_folder() -> Path:
    """Folder of the package that ships the sample and the configurations.

    Raises
    ------
    InputError : the package is not installed
    """
    found = importlib.util.find_spec("aiconfigurator_core")
    if found is None or found.origin is None:
        raise InputError("the serving points need the package aiconfigurator-core: pip install 'hwsim[validation]'")
    return Path(found.origin).parent


def read_points(folder: Path) -> list[Point]:
    """All points of the file.

    Some runs are listed twice, once without their workers; such a listing takes the pools of the other one.
    """
    with (folder / "systems" / "silicon_sample.csv").open(encoding="utf-8") as file:
        points = [_point(row) for row in csv.DictReader(file)]
    known = {_run(point): point for point in points if point.stated}
    return [_with_pools(point, known.get(_run(point))) for point in points]


def _run(point: Point) -> tuple[object, ...]:
    """What two listings of one run share: all that was asked, and both measured times to the nanosecond."""
    return (
        point.system, point.backend, point.precision, point.prompt, point.output, point.concurrency,
        point.prefill is None, round(point.first_s * 1e9), round(point.token_s * 1e9),
    )  # fmt: skip


def _with_pools(point: Point, twin: Point | None) -> Point:
    return point if point.stated or twin is None else point._replace(pool=twin.pool, prefill=twin.prefill)


def _number(text: str) -> int:
    return int(float(text)) if text else 0


def _point(row: dict[str, str]) -> Point:
    apart = row["mode"] == "disagg"
    pool = _pool(row, "decode_" if apart else "")
    found = CONCURRENCY.search(row["silicon_data_source"])
    concurrency = int(found[1]) if found else pool.batch * pool.groups * max(pool.workers, 1)
    if not apart and pool.groups != max(_number(row["attention_dp_size"]), 1):  # the column divides by groups too
        pool = pool._replace(batch=ceil(concurrency / pool.groups))
    return Point(
        row["id"], row["model_path"], row["system"], row["backend"], row["precision"], int(row["isl"]),
        int(row["osl"]), concurrency, pool, _pool(row, "prefill_") if apart else None,
        float(row["silicon_ttft_ms"]) * 1e-3, float(row["silicon_tpot_ms"]) * 1e-3, _shortest(row),
    )  # fmt: skip


def _shortest(row: dict[str, str]) -> float:
    """Spread of lengths: files of one host are runs with fixed lengths, dumps without a folder are InferenceMAX's."""
    source = row["silicon_data_source"].partition(";")[0]
    return 1.0 if "/" in source and not source.startswith("db-dump") else SHORTEST


def _pool(row: dict[str, str], kind: str) -> Pool:
    tensor, groups, cut, ranks = (
        max(_number(row[f"{kind}{name}"]), 1) for name in ("tp_size", "attention_dp_size", "moe_tp_size", "moe_ep_size")
    )
    tensor, groups, experts = counted_once(tensor, groups, cut, ranks, row["id"])
    workers = _number(row["decode_num_workers" if kind == "decode_" else "prefill_num_workers"]) if kind else 1
    return Pool(
        tensor, groups, experts, max(_number(row[f"{kind}pp_size"]), 1), workers, _number(row[f"{kind}batch_size"])
    )


def counted_once(tensor: int, groups: int, expert_tensor: int, experts: int, name: str) -> tuple[int, int, int]:
    """Tensor-parallel degree, groups and expert ranks where the sample multiplies the same devices twice.

    A row named ``tp8_ep8`` for 8 devices is listed with a tensor-parallel degree of 64 and experts cut 8 by 8; with
    groups, ``tp4_ep4`` as 16 groups. Two listings of one measurement (same times) show it. Rows named ``epnone`` are
    listed as they are.

    >>> counted_once(64, 1, 8, 8, "dsr1_tp8_ep8"), counted_once(1, 16, 4, 4, "x"), counted_once(4, 4, 1, 16, "x")
    ((8, 1, 8), (1, 4, 4), (1, 4, 4))
    """
    if "epnone" not in name and expert_tensor == experts > 1 and tensor * groups == experts * experts:
        return (experts, 1, experts) if groups == 1 else (1, experts, experts)
    if tensor == groups > 1 and experts == tensor * groups:
        return 1, groups, groups
    return tensor, groups, experts
