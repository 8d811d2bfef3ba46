"""State values in a device file's text: replace those it has, add the others, each with where it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hwsim.errors import InputError
from hwsim.experiments.calibration.toml_values import with_values


def toml_text(value: str) -> str:
    """A value as it stands in TOML: a number as it is, anything else as text.

    >>> toml_text("132"), toml_text("3 TB/s")
    ('132', '"3 TB/s"')
    """
    try:
        float(value)
    except ValueError:
        return '"' + value.strip('"').replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def stated(text: str, values: Mapping[str, str], comment: str) -> str:
    """Return the text with TOML paths set to values, ``# comment`` behind each; tables it lacks come at the end.

    >>> print(stated('a = 1\\n[t]\\nb = 2\\n', {"t.c": "3", "u.d": "4"}, "mine"), end="")
    a = 1
    [t]
    c = 3  # mine
    b = 2
    <BLANKLINE>
    [u]
    d = 4  # mine
    """
    for path, value in values.items():
        try:
            text = with_values(text, {path: value}, comment)
        except InputError:
            text = _added(text, path, f"{path.rpartition('.')[2]} = {value}  # {comment}")
    return text


def _added(text: str, path: str, line: str) -> str:
    table = path.rpartition(".")[0]
    if not table:
        first = re.search(r"^\[", text, re.M)
        place = first.start() if first else len(text)
        return f"{text[:place]}{line}\n{text[place:]}"
    header = re.search(rf"^\[{re.escape(table)}\][^\n]*\n", text, re.M)
    if header is None:
        return f"{text.rstrip()}\n\n[{table}]\n{line}\n"
    return f"{text[: header.end()]}{line}\n{text[header.end() :]}"
