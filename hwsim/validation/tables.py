"""Which measured tables there are of which devices, and all of them evaluated one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hwsim.errors import InputError, unknown_name
from hwsim.validation import power_tables
from hwsim.validation.evaluation import Evaluation, evaluate
from hwsim.validation.targets import DEVICE_FOLDERS, data_folder, load, operators

POWER = "power"  # validated beside the operators: the board power of their kernels


def measured_devices() -> list[str]:
    """Catalog devices that the tables measured."""
    from hwsim.models.catalog import list_devices

    catalog = set(list_devices())
    return [device for device in DEVICE_FOLDERS if device in catalog]


def evaluate_all(devices: Sequence[str], kinds: Sequence[str]) -> Iterator[Evaluation]:
    """Evaluate all tables of some devices and operators; empty sequences mean all of them.

    Raises
    ------
    MissingExtraError : ``aiconfigurator-core`` is not installed
    UnknownNameError, InputError : an unknown device or operator, or a device that nobody measured
    """
    import hwsim

    data_folder("")  # says at once that the extra is missing
    for kind in kinds:
        if kind not in (*operators(), POWER):
            raise unknown_name("operator to validate", kind, [*operators(), POWER])
    for device in devices:
        hwsim.device(device)
        if device not in DEVICE_FOLDERS:
            raise InputError(
                f"validate: nothing is measured on '{device}'; measured devices: {', '.join(measured_devices())}"
            )
    for device in devices or measured_devices():
        for kind in kinds or operators():
            for targets in load(kind, device) if kind != POWER else ():
                yield evaluate(targets)
        if POWER in kinds or (not kinds and power_tables.measured(device)):
            yield from power_tables.evaluations(device)
