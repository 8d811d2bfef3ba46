"""Declaration of outlier_ecc; shape: ``pages``, and for stalls optionally ``addresses`` (decoded, a list a page)."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.errors import InputError
from hwsim.models.flash.ecc_cycles import outlier_ecc_cycles, outlier_ecc_timing
from hwsim.models.npu.stream_timing import Pattern, Timing, always
from hwsim.models.numerics.integers import concatenate
from hwsim.models.numerics.outlier_ecc import THRESHOLD_COPIES, correct_page, entry_bits
from hwsim.rtl.stream_kernel import Parameter, Parameters, StreamKernel, Words, size
from hwsim.rtl.stream_packing import signed_fields


def _streams(values: Parameters) -> dict[str, int]:
    width = values["VALUE_WIDTH"]
    beat = values["LANES"] * width
    entry = entry_bits(values["VALUES"], width)
    return {"threshold": THRESHOLD_COPIES * width, "entry": entry, "page": beat, "y": beat}


def _golden(inputs: Words, values: Parameters) -> list[int]:
    width, lanes, protected = values["VALUE_WIDTH"], values["LANES"], values["PROTECTED"]
    beats = values["VALUES"] // lanes
    results: list[int] = []
    for index, threshold in enumerate(inputs["threshold"]):
        words = inputs["page"][index * beats : (index + 1) * beats]
        entries = inputs["entry"][index * protected : (index + 1) * protected]
        if len(words) < beats or len(entries) < protected:
            raise InputError(f"kernel outlier_ecc: page {index} needs {beats} beats and {protected} entries")
        page = [value for word in words for value in signed_fields(word, width, lanes)]
        corrected = correct_page(page, threshold, entries, lanes=lanes, bits=width)
        for start in range(0, len(page), lanes):
            results.append(concatenate([(value, width) for value in corrected[start : start + lanes]]))
    return results


def _closed_form(shape: Mapping[str, object], values: Parameters) -> float:
    if "addresses" in shape:
        return float(_timing(shape, {}, values).cycles)
    sizes = (values["VALUES"], values["LANES"], values["PROTECTED"])
    cycles: float = outlier_ecc_cycles(float(size(shape, "pages")), *map(float, sizes))
    return cycles


def _timing(shape: Mapping[str, object], patterns: Mapping[str, Pattern], values: Parameters) -> Timing:
    addresses = shape.get("addresses")
    if addresses is None:
        if "entry" in patterns or "page" in patterns:
            raise InputError("shape: addresses (decoded, a list a page) must be given with gaps in 'entry' or 'page'")
        addresses = [list(range(values["PROTECTED"]))] * size(shape, "pages")
    if not isinstance(addresses, (list, tuple)) or any(len(page) != values["PROTECTED"] for page in addresses):
        raise InputError(f"shape: addresses must be a list a page of {values['PROTECTED']} addresses")
    sizes = {"values": values["VALUES"], "lanes": values["LANES"]}
    return outlier_ecc_timing(addresses, **sizes, patterns=patterns, sink=patterns.get("y", always))


def _check(values: Parameters) -> str:
    if values["VALUES"] % values["LANES"]:
        return f"VALUES(={values['VALUES']}) must be a multiple of LANES(={values['LANES']})"
    if values["PROTECTED"] >= values["VALUES"]:
        return f"PROTECTED(={values['PROTECTED']}) must be below VALUES(={values['VALUES']})"
    return ""


KERNEL = StreamKernel(
    name="outlier_ecc",
    summary="a flash page corrected as it streams: majority of three for its largest values, zero above the threshold",
    parameters=(
        Parameter("VALUES", 64, range(4, 65537), "values a page"),
        Parameter("PROTECTED", 4, range(1, 65536), "protected values a page"),
        Parameter("LANES", 4, range(1, 65), "values a beat"),
        Parameter("VALUE_WIDTH", 8, range(2, 17), "bits of a signed value"),
    ),
    streams=_streams,
    golden_words=_golden,
    closed_form=_closed_form,
    timing=_timing,
    shape_fields=("pages", "addresses"),
    check=_check,
)
