"""The packaging says what the folders hold, and a wheel in an empty environment runs the main job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAPPED = {"hwsim.models": "models", "hwsim.mappers": "mappers", "hwsim.rtl": "rtl", "hwsim.experiments": "experiments"}
DATA_SUFFIXES = {".toml", ".json", ".v", ".vh", ".typed", ".md", ".csv"}


def declared() -> list[str]:
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])


def python_packages() -> set[str]:
    found = set()
    for package, folder in {"hwsim": "hwsim", **MAPPED}.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            parts = init.parent.relative_to(ROOT / folder).parts
            if not (package == "hwsim" and parts and f"hwsim.{parts[0]}" in MAPPED):
                found.add(".".join([package, *parts]))
    return found


def test_every_folder_with_python_is_a_declared_package() -> None:
    assert sorted(declared()) == sorted(python_packages())


def test_every_python_file_of_a_shipped_folder_lies_in_a_declared_package() -> None:
    folders = {ROOT / MAPPED[p] if p in MAPPED else _folder(p) for p in declared()}
    for folder in ["hwsim", *MAPPED.values()]:
        for source in (ROOT / folder).rglob("*.py"):
            if not any((ROOT / "hwsim" / alias) in source.parents for alias in MAPPED.values()):
                assert source.parent in folders, f"{source} would not be in the wheel"


def _folder(package: str) -> Path:
    for mapped, folder in MAPPED.items():
        if package == mapped or package.startswith(mapped + "."):
            return ROOT.joinpath(folder, *package.removeprefix(mapped).strip(".").split("."))
    return ROOT.joinpath(*package.split("."))


def test_the_links_for_type_checkers_point_to_the_folders() -> None:
    for folder in MAPPED.values():
        assert (ROOT / "hwsim" / folder).resolve() == ROOT / folder


@pytest.mark.slow
def test_a_wheel_in_an_empty_environment_runs_the_main_job(tmp_path: Path) -> None:
    source = tmp_path / "source"
    subprocess.run(["git", "-C", str(ROOT), "checkout-index", "-a", f"--prefix={source}/"], check=True)
    for name in subprocess.check_output(
        ["git", "-C", str(ROOT), "ls-files", "-m", "-o", "--exclude-standard"], text=True
    ).split():
        target = source / name
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(source)],
        check=True,
        capture_output=True,
    )
    wheel = next(tmp_path.glob("hwsim-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"hwsim", wheel.name.rsplit("-", 3)[0] + ".dist-info"}
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel)], check=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "HWSIM"))}
    shown = subprocess.run(
        [str(python.parent / "hwsim"), "run", "llama-2-7b", "--on", "a100-sxm-80gb", "--json"],
        check=True, capture_output=True, text=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert 0.008 < json.loads(shown.stdout)["latency_s"] < 0.013


def test_importing_hwsim_loads_nothing_heavy() -> None:
    heavy = ("numba", "plotly", "pandas", "networkx", "pydantic", "simpy", "numpy")
    code = f"import sys, hwsim; print([m for m in {heavy!r} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_run_does_not_load_the_compiler_or_the_plots() -> None:
    code = (
        "import sys; from hwsim.commands.app import run_app\n"
        "status = run_app(['run', 'llama-2-7b', '--on', 'a100-sxm-80gb', '--json'])\n"
        "print(status, [m for m in ('numba', 'plotly', 'simpy') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr.strip() == "0 []"


def test_every_fragment_of_the_changelog_has_a_number_of_its_own() -> None:
    numbers = [path.name.split("-")[0] for path in (ROOT / "changelog.d").glob("*.md")]
    assert sorted(numbers) == sorted(set(numbers))
    assert all(len(number) == 4 and number.isdigit() for number in numbers)
