"""Every configuration that cannot be read ends in one line that names the file and what is wrong with it."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from hwsim.errors import HwsimError, InputError, UnknownNameError, UnsupportedError
from hwsim.mappers.networks import list_networks, read_network

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 256, "max_position_embeddings": 128,
    "torch_dtype": "float16",
}  # fmt: skip


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "config.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path | str, *words: str) -> HwsimError:
    """Read a file that must be refused in one line that has all the words."""
    with pytest.raises(HwsimError) as caught:
        read_network(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 2000
    for word in words:
        assert word in message
    return caught.value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["is empty"]),
        ("   \n ", ["is empty"]),
        ("not json", ["is not JSON", "line 1 column 1"]),
        ('{"hidden_size": 64', ["is not JSON"]),
        ("[1, 2]", ["array", "an object"]),
        ('"llama"', ["text", "an object"]),
        ("null", ["null", "an object"]),
        ("{}", ["'architectures' is missing"]),
        ('{"architectures": []}', ["'architectures'"]),
        ('{"architectures": [3]}', ["'architectures'"]),
        ('{"architectures": "LlamaForCausalLM"}', ["'architectures'", "a list"]),
        ('{"architectures": ["A"], "architectures": ["B"]}', ["'architectures' is given twice"]),
        ('{"architectures": ["LlamaForCausalLM"], "rope": {"theta": NaN}}', ["'rope.theta'", "NaN"]),
        ("[" * 100_000, ["nests too deep"]),
        ('{"hidden_size": ' + "9" * 10_000 + "}", ["too many digits"]),
        (bytes(range(256)) * 16, ["is not JSON", "UTF-8"]),
        (b"PK\x03\x04\xff\xfe\x00", ["is not JSON"]),
    ],
)  # fmt: skip
def test_a_file_that_is_no_configuration_is_refused_by_name(
    tmp_path: Path, content: str | bytes, words: list[str]
) -> None:
    path = write(tmp_path, content)
    assert isinstance(refused(path, str(path), *words), InputError)


@pytest.mark.parametrize("key", sorted(set(LLAMA) - {"torch_dtype", "num_key_value_heads"}))
def test_a_missing_field_is_named(tmp_path: Path, key: str) -> None:
    path = write(tmp_path, json.dumps({k: v for k, v in LLAMA.items() if k != key}))
    refused(path, str(path), f"'{key}' is missing")


@pytest.mark.parametrize("value", [0, -1, 10**12, 10**300, 1.5, "64", True, [], {}, float("inf")])
@pytest.mark.parametrize(
    "key", ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"]
)
def test_an_impossible_size_is_named_with_its_value(tmp_path: Path, key: str, value: object) -> None:
    path = write(tmp_path, json.dumps({**LLAMA, key: value}))
    refused(path, str(path), f"'{key}'", "must be")


def test_heads_that_do_not_divide_are_named(tmp_path: Path) -> None:
    refused(write(tmp_path, json.dumps({**LLAMA, "num_attention_heads": 6})), "'num_attention_heads' (=6)")
    refused(write(tmp_path, json.dumps({**LLAMA, "num_key_value_heads": 3})), "'num_key_value_heads' (=3)")


def test_a_stored_format_that_is_not_known_is_named(tmp_path: Path) -> None:
    refused(write(tmp_path, json.dumps({**LLAMA, "torch_dtype": "int7"})), "'torch_dtype'", "int7", "bfloat16")


def test_an_unknown_architecture_is_named_with_the_known_ones(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({**LLAMA, "architectures": ["BertModel"]}))
    error = refused(path, str(path), "'BertModel'", "LlamaForCausalLM", "Qwen3MoeForCausalLM")
    assert isinstance(error, UnsupportedError)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    refused(str(tmp_path / "nowhere" / "config.json"), "nowhere", "there is no such file")
    refused("x" * 5000 + ".json", "there is no such file")
    refused("a\0b.json", "there is no such file")


def test_a_misspelt_catalog_name_is_guessed() -> None:
    assert isinstance(refused("lama-2-7b", "did you mean 'llama-2-7b'?"), UnknownNameError)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "is a directory", "config.json")


def test_a_file_that_is_not_regular_is_refused() -> None:
    refused("/dev/zero", "/dev/zero", "not a regular file")


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")  # root, who may run this, is denied nothing

    monkeypatch.setattr(Path, "read_bytes", deny)
    refused(write(tmp_path, json.dumps(LLAMA)), "cannot be read: Permission denied")


def test_a_huge_file_is_refused_by_its_size_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        file.write(b'{"architectures": ["')
        file.truncate(200_000_000)  # sparse: takes no room on the disk
    refused(path, "200 MB is too large")


def test_a_file_that_ends_in_onnx_says_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x07\x12\x07pytorch\xff")
    refused(path, "model.onnx")


def test_a_good_file_reads_with_its_folder_as_name(tmp_path: Path) -> None:
    folder = tmp_path / "my-network"
    folder.mkdir()
    network = read_network(write(folder, json.dumps(LLAMA)))
    assert (network.name, network.layers, network.kv_heads, network.default_format) == ("my-network", 2, 2, "fp16")
    assert network.source.endswith("config.json")


def test_a_folder_of_ones_own_adds_to_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny-llama.json").write_text(json.dumps(LLAMA))
    monkeypatch.setenv("HWSIM_CATALOG", f"/no/such/folder:{tmp_path}")
    assert "tiny-llama" in list_networks()
    assert read_network("tiny-llama").hidden == 64


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"batch": 0}, "batch"), ({"prompt": 0}, "prompt"), ({"batch": 1.5}, "batch"), ({"weights": "fp12"}, "fp12"),
        ({"kv": "int9"}, "int9"), ({"tensor_parallel": 0}, "tensor_parallel"), ({"phase": "train"}, "train"),
        ({"expert_parallel": 2, "batch": 2}, "expert_parallel"),
    ],
)  # fmt: skip
def test_an_impossible_pass_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_network("llama-2-7b").graph(**{"phase": "prefill", "batch": 1, "prompt": 8, **wrong})
