"""A device file that cannot be right ends in one line that names the file, the key and what was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwsim.errors import HwsimError
from hwsim.models.catalog import list_devices, read_device

CATALOG = Path(read_device.__code__.co_filename).parent / "devices"


def shipped() -> str:
    return (CATALOG / "a100-sxm-80gb.toml").read_text()


def refused(path: Path | str, *words: str) -> None:
    with pytest.raises(HwsimError) as caught:
        read_device(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def changed(folder: Path, old: str, new: str) -> Path:
    text = shipped()
    assert text.count(old) >= 1, old
    path = folder / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('capacity = "80 GB"', 'capacity = "80 GHz"', ["memory.capacity", "80 GHz"]),
        ('capacity = "80 GB"', "capacity = nan", ["memory.capacity", "nan"]),
        ('capacity = "80 GB"', 'capacity = "nan GB"', ["memory.capacity", "nan"]),
        ('capacity = "80 GB"', 'capacity = "-80 GB"', ["memory.capacity", "-80"]),
        ('capacity = "80 GB"', 'capacity = "0 GB"', ["memory.capacity"]),
        ('capacity = "80 GB"', 'capacity = ""', ["memory.capacity"]),
        ('capacity = "80 GB"', "capacity = true", ["memory.capacity"]),
        ('capacity = "80 GB"', "capacity = [80]", ["memory.capacity"]),
        ('capacity = "80 GB"', 'capacity = "80 GB"\ncapacity = "90 GB"', ["duplicate key", "line"]),
        ('capacity = "80 GB"', 'capacty = "80 GB"', ["capacty", "did you mean", "capacity"]),
        ("sm_count = 108", "sm_count = 0", ["sm_count", "0"]),
        ("sm_count = 108", "sm_count = -3", ["sm_count", "-3"]),
        ("sm_count = 108", "sm_count = inf", ["sm_count", "inf"]),
        ("sm_count = 108", 'sm_count = "many"', ["sm_count", "many"]),
        ("sm_count = 108", "# gone", ["mine.toml", "sm_count", "missing"]),
        ('clock = "1410 MHz"', 'clock = "1410 parsec"', ["clock", "parsec"]),
        ('family = "gpu"', 'family = "gpuu"', ["gpuu", "did you mean", "gpu"]),
        ('family = "gpu"', "# gone", ["mine.toml", "family"]),
        ('architecture = "ampere"', 'architecture = "ampre"', ["ampre", "did you mean", "ampere"]),
        ('native = "nvlink-3"', 'native = "nvlnk-3"', ["nvlnk-3", "did you mean"]),
        ("[memory]", "[memory", ["not valid TOML", "line"]),
    ],
)
def test_an_impossible_value_is_refused_by_file_and_key(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    refused(changed(tmp_path, old, new), *words)


@pytest.mark.parametrize("limit", ["120 W", "50 W", "0 W"])
def test_a_power_limit_that_leaves_nothing_to_run_with_is_refused(limit: str) -> None:
    with pytest.raises(HwsimError, match=r"h100-sxm-80gb.*power.limit = \d+ W must be more than power.idle = 120 W"):
        read_device("h100-sxm-80gb", {"power.limit": limit, "power.idle": "120 W"})


def test_a_file_of_random_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.toml"
    path.write_bytes(bytes(range(256)) * 8)
    refused(path, "noise.toml")


def test_an_empty_file_a_folder_and_a_missing_path_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    (tmp_path / "folder.toml").mkdir()
    refused(tmp_path / "empty.toml", "empty.toml", "family")
    refused(tmp_path / "folder.toml", "folder.toml", "folder")
    refused(tmp_path / "nothing.toml", "nothing.toml", "no such file")


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    refused(path, "huge.toml", "too many")


def test_a_copy_of_a_shipped_file_reads_as_the_same_device(tmp_path: Path) -> None:
    path = tmp_path / "a100-sxm-80gb.toml"
    path.write_text(shipped())
    assert read_device(path).record == read_device("a100-sxm-80gb").record


@pytest.mark.parametrize("name", list_devices())
def test_every_number_of_a_shipped_device_has_a_source(name: str) -> None:
    for line in (CATALOG / f"{name}.toml").read_text().splitlines():
        key, _, rest = line.partition("=")
        numeric = rest.strip().strip('"')[:1].isdigit()
        if numeric and not key.strip().isdigit():
            assert "#" in rest, f"{name}: {line}"
