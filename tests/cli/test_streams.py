"""The command line and the streams it writes to: a reader that leaves early, a full disk, an interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HWSIM = [sys.executable, "-m", "hwsim"]
RUN = ["run", "gpt2", "--on", "a100-sxm-80gb"]


@pytest.mark.parametrize("arguments", [RUN, [*RUN, "--json"], ["list", "devices"], ["show", "gpt2"]])
def test_a_reader_that_leaves_early_is_no_error(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    found = subprocess.run([*HWSIM, *arguments], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [[*RUN, "--json"], ["list", "devices"]])
def test_an_output_that_cannot_be_written_is_one_line_and_status_2(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        found = subprocess.run([*HWSIM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr == "hwsim: cannot write the output: No space left on device\n"


def test_an_interrupt_is_one_line_and_status_130() -> None:
    long = ["run", "llama-2-7b", "--on", "a100-sxm-80gb", "--phase", "generate", "--output", "120000"]
    process = subprocess.Popen([*HWSIM, *long], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "hwsim: interrupted\n")
