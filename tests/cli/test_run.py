"""`hwsim run`: the JSON contract, side by side, overrides, and every bad input as one line with status 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hwsim

Run = Callable[..., tuple[int, str, str]]

KEYS = {
    "schema_version", "network", "device", "phase", "batch", "formats", "runtime", "parallel", "engine", "latency_s",
    "low_s", "high_s", "basis", "energy_j", "tokens_per_s", "peak_memory_bytes", "memory", "operators", "warnings",
}  # fmt: skip


def document(run: Run, *arguments: str) -> dict[str, object]:
    status, out, err = run("run", *arguments, "--json")
    assert (status, err) == (0, "")
    return dict(json.loads(out))


def test_the_json_of_a_decode_step_holds_the_contract(run: Run) -> None:
    result = document(run, "llama-2-7b", "--on", "a100-sxm-80gb", "--batch", "1", "--context", "1024")
    assert set(result) >= KEYS
    assert 0.008 < result["latency_s"] < 0.013  # type: ignore[operator]
    operators = result["operators"]
    assert isinstance(operators, list)
    assert sum(o["latency_s"] for o in operators) == pytest.approx(result["latency_s"], rel=1e-9)
    assert {o["bound"] for o in operators} <= {"compute", "memory", "cache", "link", "launch"}
    memory = result["memory"]
    assert isinstance(memory, dict)
    assert memory["weights"] == pytest.approx(13.48e9, rel=0.01)
    assert memory["kv"] == pytest.approx(1025 * 2 * 32 * 4096 * 2, rel=1e-9)
    assert sum(memory.values()) == pytest.approx(result["peak_memory_bytes"])
    assert result["tokens_per_s"] == pytest.approx(1 / result["latency_s"])  # type: ignore[operator]
    assert result["time_per_output_token_s"] is None


def test_a_generation_is_a_prefill_and_the_exact_sum_of_its_steps(run: Run) -> None:
    common = ["llama-2-7b", "--on", "a100-sxm-80gb", "--prompt", "100"]
    whole = document(run, *common, "--phase", "generate", "--output", "5")
    first = document(run, *common, "--phase", "prefill")
    steps = [document(run, *common, "--phase", "decode", "--context", str(100 + i))["latency_s"] for i in range(4)]
    assert whole["time_to_first_token_s"] == pytest.approx(first["latency_s"], rel=1e-9)
    assert whole["latency_s"] == pytest.approx(first["latency_s"] + sum(steps), rel=1e-9)  # type: ignore[operator, arg-type]
    assert whole["time_per_output_token_s"] == pytest.approx(sum(steps) / 4, rel=1e-9)  # type: ignore[arg-type]
    assert whole["tokens_per_s"] == pytest.approx(5 / whole["latency_s"])  # type: ignore[operator]


def test_a_faster_memory_gives_a_faster_decode(run: Run) -> None:
    common = ["llama-2-7b", "--on", "a100-sxm-80gb"]
    base = document(run, *common)
    fast = document(run, *common, "--set", "device.memory.bandwidth=3 TB/s")
    assert fast["latency_s"] < base["latency_s"]  # type: ignore[operator]


def test_eager_is_never_faster_than_graph(run: Run) -> None:
    common = ["llama-2-7b", "--on", "a100-sxm-80gb"]
    assert document(run, *common, "--runtime", "eager")["latency_s"] > document(run, *common)["latency_s"]  # type: ignore[operator]


def test_two_devices_stand_side_by_side(run: Run) -> None:
    status, out, _ = run("run", "llama-2-7b", "--on", "a100-sxm-80gb", "--on", "h100-sxm-80gb")
    assert status == 0
    assert "a100-sxm-80gb" in out
    assert "h100-sxm-80gb" in out
    both = json.loads(run("run", "llama-2-7b", "--on", "a100-sxm-80gb", "--on", "h100-sxm-80gb", "--json")[1])
    assert [r["device"] for r in both["results"]] == ["a100-sxm-80gb", "h100-sxm-80gb"]


def test_tensor_parallel_splits_memory_and_adds_the_link(run: Run) -> None:
    one = document(run, "llama-2-7b", "--on", "a100-sxm-80gb")
    four = document(run, "llama-2-7b", "--on", "a100-sxm-80gb", "--parallel", "tp=4")
    assert four["memory"]["weights"] < one["memory"]["weights"] / 3.5  # type: ignore[index]
    assert any(o["kind"] == "collective" for o in four["operators"])  # type: ignore[attr-defined]
    assert one["latency_s"] / 4 < four["latency_s"] < one["latency_s"]  # type: ignore[operator]
    assert four["device"] == "4x a100-sxm-80gb over nvlink-3"


def test_the_event_engine_replays_the_same_latency_and_writes_a_trace(run: Run, tmp_path: Path) -> None:
    common = ["llama-2-7b", "--on", "a100-sxm-80gb"]
    trace = tmp_path / "trace.json"
    events = document(run, *common, "--engine", "events", "--trace", str(trace))
    assert events["latency_s"] == pytest.approx(document(run, *common)["latency_s"], abs=1e-12 * 1000)
    assert len(json.loads(trace.read_text())["traceEvents"]) > 300


def test_explain_prints_numbers_constants_and_sources(run: Run) -> None:
    operators: Any = document(run, "llama-2-7b", "--on", "a100-sxm-80gb")["operators"]
    name = next(o["name"] for o in operators if o["kind"] == "matmul")
    status, out, _ = run("run", "llama-2-7b", "--on", "a100-sxm-80gb", "--explain", name)
    assert status == 0
    assert "memory.bandwidth" in out
    assert "def " in out


def test_explain_as_json_is_one_document_with_the_same_latency(run: Run) -> None:
    common = ["llama-2-7b", "--on", "a100-sxm-80gb"]
    found = document(run, *common, "--explain", "attention")
    attention = next(o for o in document(run, *common)["operators"] if o["name"] == "attention")  # type: ignore[attr-defined]
    assert found["latency_s"] == pytest.approx(attention["latency_s"]) and found["count"] == attention["count"]
    constants: Any = found["constants"]
    assert constants["memory.bandwidth"]["value"] == 2.039e12 and "datasheet" in constants["memory.bandwidth"]["source"]


def test_explain_shows_the_constants_that_the_formula_reads_and_no_other(run: Run) -> None:
    found = document(run, "llama-2-7b", "--on", "a100-sxm-80gb", "--explain", "attention")
    constants, formula = found["constants"], found["formula"]
    assert {"attention.fixed", "memory.bandwidth", "power.idle"} <= set(constants)  # type: ignore[call-overload]
    assert not [path for path in constants if path.startswith(("matmul.", "moe.", "quantise."))]  # type: ignore[attr-defined]
    assert [each["name"] for each in formula][:2] == ["operator_cost", "attention"]  # type: ignore[attr-defined]
    assert all(each["text"].startswith("@cost_function") and each["purpose"] for each in formula)  # type: ignore[attr-defined]


def test_explain_of_a_collective_shows_the_sources_of_its_link(run: Run) -> None:
    asked = ["llama-2-7b", "--on", "2x a100-sxm-80gb over nvlink-3", "--parallel", "tp=2", "--explain"]
    constants: Any = document(run, *asked, "attention_all_reduce")["constants"]
    assert "calibration.collective" in constants["protocol.line_hop"]["source"]
    assert "whitepaper" in constants["bandwidth"]["source"]


@pytest.mark.parametrize(
    ("network", "phase", "used"),
    [
        ("llama-2-7b", "prefill", {"prompt"}), ("llama-2-7b", "decode", {"context"}),
        ("llama-2-7b", "generate", {"prompt", "output"}), ("alexnet", "forward", set()),
    ],
)  # fmt: skip
def test_what_the_phase_does_not_use_is_null_and_is_not_printed(
    run: Run, network: str, phase: str, used: set[str]
) -> None:
    asked = [network, "--on", "a100-sxm-80gb", "--phase", phase, "--output", "4", "--prompt", "64"]
    result: Any = document(run, *asked)
    text = run("run", *asked)[1]
    lengths = {"prompt", "context", "output"}
    assert {name for name in lengths if result[name] is not None} == used
    assert {name for name in lengths if f", {name} " in text} == used
    assert (result["formats"]["kv"] is None) == ("KV" not in text) == (phase == "forward")
    assert ("at these lengths" in text) == bool(used)


@pytest.mark.parametrize("system", ["8x h100-sxm-80gb", "dgx-h100"])
def test_devices_that_stay_unused_are_a_warning(run: Run, system: str) -> None:
    one: Any = document(run, "llama-2-7b", "--on", system)["warnings"]
    assert one == ["uses 1 of 8 devices; --parallel tp=8 would use all"]
    assert document(run, "llama-2-7b", "--on", system, "--parallel", "tp=8")["warnings"] == []
    three: Any = document(run, "llama-2-7b", "--on", "3x h100-sxm-80gb", "--parallel", "tp=2")["warnings"]
    assert three == ["uses 2 of 3 devices"]
    assert document(run, "llama-2-7b", "--on", "h100-sxm-80gb")["warnings"] == []


def test_a_link_of_other_devices_is_a_warning_and_a_network_is_not(run: Run) -> None:
    def warned(system: str) -> Any:
        return document(run, "llama-2-7b", "--on", system, "--parallel", "tp=2")["warnings"]

    assert warned("2x a100-sxm-80gb over tpu-ici-4") == [
        "'tpu-ici-4' does not join 'a100-sxm-80gb', whose own link is 'nvlink-3'"
    ]
    for link in ("nvlink-3", "pcie-4", "ethernet-100g", "infiniband-hdr"):
        assert warned(f"2x a100-sxm-80gb over {link}") == []


@pytest.mark.parametrize(
    ("system", "degree", "basis"),
    [
        ("8x h100-sxm-80gb over nvlink-4", 8, "calibrated"),
        ("8x h100-sxm-80gb over ethernet-100g", 8, "unvalidated"),
        ("8x h100-sxm-80gb over ethernet-100g", 1, "calibrated"),
        ("8x b200-sxm-180gb over nvlink-5", 8, "zero-shot"),
        ("8x b200-sxm-180gb over ethernet-400g", 8, "unvalidated"),
    ],
)
def test_a_run_with_collectives_is_no_surer_than_its_link(run: Run, system: str, degree: int, basis: str) -> None:
    assert document(run, "llama-2-7b", "--on", system, "--parallel", f"tp={degree}")["basis"] == basis
    if degree > 1:
        assert hwsim.estimate(system, "collective", message_bytes=1e6, ranks=degree).basis == basis


def test_a_context_beyond_the_limit_is_a_warning(run: Run) -> None:
    result = document(run, "llama-2-7b", "--on", "a100-sxm-80gb", "--context", "8192")
    assert any("4096" in warning for warning in result["warnings"])  # type: ignore[attr-defined]


def test_a_format_without_multipliers_is_a_warning(run: Run) -> None:
    for device, told in (("a100-sxm-80gb", True), ("h100-sxm-80gb", False), ("flightllm-u280", False)):
        result = document(run, "gpt2", "--on", device, "--activations", "fp8_e4m3" if told else "int8")
        assert any("no faster than fp16" in text for text in result["warnings"]) is told  # type: ignore[attr-defined]


def test_more_devices_are_no_advice_where_no_link_joins_them(run: Run) -> None:
    assert "--parallel" not in run("run", "llama-2-7b", "--on", "eyeriss", "--weights", "int4:g128")[2]
    assert "--parallel tp=2" in run("run", "llama-2-70b", "--on", "a100-sxm-80gb")[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["llama-2-7c", "--on", "a100-sxm-80gb"], ["llama-2-7c", "did you mean"]),
        (["llama-2-7b", "--on", "a100-smx-80gb"], ["a100-smx-80gb", "did you mean"]),
        (["llama-2-7b"], ["--on"]),
        (["llama-2-7b", "--on", "a100"], ["did you mean 'a100-pcie-40gb' or "]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--phase", "forward"], ["forward", "llama-2-7b", "generate"]),
        (["alexnet", "--on", "a100-sxm-80gb"], ["decode", "alexnet", "allowed: forward"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--set", "device.family=npu"], ["family cannot be set"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--set", "device.architecture=ada"], ["architecture cannot be set"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--set", "device.memory=3 TB/s"], ["table", "memory.bandwidth"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--batch", "0"], ["batch", "0"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--batch", "many"], ["batch", "many"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--context", "-1"], ["context"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--phase", "prefil"], ["prefil", "did you mean 'prefill'"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--weights", "fp7"], ["fp7", "allowed"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--runtime", "eagr"], ["eagr"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--engine", "magic"], ["magic", "analytic"]),
        (
            ["llama-2-7b", "--on", "a100-sxm-80gb", "--set", "device.memory.bandwith=3 TB/s"],
            ["bandwith", "did you mean"],
        ),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--set", "device.memory.bandwidth=3 GHz"], ["bandwidth", "GHz"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--set", "bandwidth"], ["device.FIELD=VALUE"]),
        (["llama-2-7b", "--on", "2x a100-sxm-80gb over nvlink-3", "--parallel", "tp=4"], ["4 devices", "has 2"]),
        (["llama-2-7b", "--on", "0x a100-sxm-80gb over nvlink-3"], ["0"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--parallel", "tp=x"], ["tp"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--parallel", "zp=2"], ["zp"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--parallel", "tp=7"], ["7"]),
        (["llama-2-70b", "--on", "rtx-4090-24gb"], ["does not fit", "GB more", "what would fit"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--explain", "nothing"], ["nothing", "known"]),
        (["llama-2-7b", "--on", "a100-sxm-80gb", "--trace", "t.json"], ["--engine events"]),
        (["no/such/config.json", "--on", "a100-sxm-80gb"], ["no/such/config.json"]),
        (["/", "--on", "a100-sxm-80gb"], ["directory"]),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(run: Run, arguments: list[str], words: list[str]) -> None:
    status, out, err = run("run", *arguments)
    assert status == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    for word in words:
        assert word in err


def test_list_and_show_answer_for_every_kind(run: Run) -> None:
    for kind, name in [
        ("networks", "llama-2-7b"),
        ("devices", "a100-sxm-80gb"),
        ("links", "nvlink-3"),
        ("storages", "ufs-4.0"),
        ("runtimes", "eager"),
    ]:
        status, out, _ = run("list", kind)
        assert status == 0
        assert name in out.split()
        status, out, _ = run("show", name)
        assert status == 0 and name in out
    assert run("list", "systems")[0] == 0
    assert json.loads(run("show", "dgx-h100", "--json")[1])["count"] == 8
    assert json.loads(run("show", "2x a100-sxm-80gb over nvlink-3", "--json")[1])["memory_bytes"] == 160e9
    assert "450 GB/s     [1: NVIDIA" in json.loads(run("show", "nvlink-4", "--json")[1])["constants"]["bandwidth"]
    assert "6738415616" in run("show", "llama-2-7b", "--json")[1].replace(".0", "")
    assert json.loads(run("show", "a100-sxm-80gb", "--json")[1])["memory_bytes"] == 80e9
    status, _, err = run("show", "nothing-like-it")
    assert (status, len(err.splitlines())) == (2, 1)


def test_version_and_help_are_printed(run: Run) -> None:
    assert run("--version")[1].startswith("hwsim ")
    status, out, _ = run("--help")
    assert status == 0
    for word in ("run", "list", "show", "--on", "decode"):
        assert word in out


@pytest.mark.parametrize("group", ["rtl", "device"])
def test_a_group_of_commands_alone_prints_its_help(run: Run, group: str) -> None:
    status, out, err = run(group)
    assert (status, err) == (0, "") and "Commands:" in out
