"""The units of ``deploy/systemd`` as systemd reads them: drop-ins, lists, specifiers, environment, command lines.

What belongs here: reading. What does not: starting what they say (``services``).
"""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingestion.settings import PROJECT_FOLDER

DEPLOY = PROJECT_FOLDER / "deploy"
UNITS = DEPLOY / "systemd"
RELEASE = "a-release"
"""What instances of template units are named here."""

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_CONTINUED = re.compile(r"\\\n")


@dataclass(frozen=True)
class Unit:
    """A unit with the drop-ins that apply to it: values by section and key, in the order in which systemd has them."""

    name: str
    values: Mapping[tuple[str, str], tuple[str, ...]]

    def all(self, key: str, section: str = "Service") -> tuple[str, ...]:
        """Every value of a key that may be given several times."""
        return self.values.get((section, key), ())

    def one(self, key: str, default: str = "", section: str = "Service") -> str:
        """The value of a key that counts once: the last."""
        return (*((default,) if not self.all(key, section) else ()), *self.all(key, section))[-1]

    def environment(self) -> dict[str, str]:
        """The variables of ``Environment=``, and over them those of ``EnvironmentFile=``."""
        assignments = [part for line in self.all("Environment") for part in shlex.split(line)]
        variables = dict(part.split("=", 1) for part in assignments)
        for file in self.all("EnvironmentFile"):
            variables |= _environment_file(Path(file))
        return variables

    def command(self, key: str, environment: Mapping[str, str]) -> list[str]:
        """The one command line of ``ExecStart=`` or its like; ``${NAME}`` is replaced, as nothing else is."""
        (line,) = self.all(key)
        return [_VARIABLE.sub(lambda match: environment[match[1]], part) for part in shlex.split(line)]


def unit_names() -> list[str]:
    """Every unit that is there, templates as instances."""
    return sorted(path.name.replace("@.", f"@{RELEASE}.") for path in UNITS.iterdir() if path.is_file())


def service_names() -> list[str]:
    """The services among them."""
    return [name for name in unit_names() if name.endswith(".service")]


def read_unit(name: str, places: Mapping[str, str] | None = None) -> Unit:
    """A unit, with the paths of a server replaced by ``places``, the longest first."""
    template, instance = re.sub(r"@.+\.", "@.", name), name.partition("@")[2].rpartition(".")[0]
    drop_ins = sorted((UNITS / "ticketmarts-.service.d").glob("*.conf")) if name.endswith(".service") else []
    values: dict[tuple[str, str], tuple[str, ...]] = {}
    for path in (UNITS / template, *drop_ins):
        text = _CONTINUED.sub(" ", path.read_text()).replace("%i", instance).replace("%H", socket.gethostname())
        for ours, theirs in sorted((places or {}).items(), key=lambda place: -len(place[0])):
            text = text.replace(ours, theirs)
        for place, value in _lines(text.splitlines()):
            values[place] = (*values.get(place, ()), value) if value else ()  # an empty value takes back the others
    return Unit(name, values)


def _lines(lines: Iterable[str]) -> Iterator[tuple[tuple[str, str], str]]:
    section = ""
    for line in lines:
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] not in "#;":
            key, _, value = line.partition("=")
            yield (section, key.strip()), value.strip()


def _environment_file(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if line and line[0] not in "#;")
    return {
        name: value.removeprefix("'").removesuffix("'") for name, _, value in (line.partition("=") for line in lines)
    }
