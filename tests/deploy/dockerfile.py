"""The Dockerfile's instructions, read, and done without Docker."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: What says where packages come from; Docker would be given the same for a build.
_NETWORK = re.compile(r"PIP_\w+|SSL_CERT_\w+|\w+_proxy", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its options (``--from``) stand apart from the rest."""

    name: str
    options: Mapping[str, str]
    rest: str

    @property
    def words(self) -> list[str]:
        """The rest as words: a JSON array, or as a shell splits it."""
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)


def read(path: Path) -> list[Instruction]:
    """Return the instructions, with the defaults of ARGs put in."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    arguments: dict[str, str] = {}
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        rest = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], rest.strip())
        if name == "ARG":
            key, _, value = rest.partition("=")
            arguments[key] = value
        options = {}
        while match := re.match(r"--([\w-]+)=(\S+)\s+", rest):
            options[match[1]] = match[2]
            rest = rest[match.end() :]
        found.append(Instruction(name, options, rest))
    return found


def stages(instructions: Sequence[Instruction]) -> list[list[Instruction]]:
    """Return the instructions of each stage, its FROM first."""
    found: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.name == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return found


@dataclass(slots=True)
class Stage:
    """A stage in a directory that stands for its file system, with a Python of its own."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: int | None = None
    #: Those of HEALTHCHECK, ENTRYPOINT and CMD.
    commands: dict[str, list[str]] = field(default_factory=dict)

    def build(
        self, instructions: Sequence[Instruction], *, context: Path, others: Mapping[str, "Stage"]
    ) -> None:
        """Do what the instructions say. Anything that is not known is an error."""
        python = _python(65_534 if os.geteuid() == 0 else None)
        subprocess.run([python, "-m", "venv", self.root / "python"], check=True, env={})
        self.environment["PATH"] = f"{self.root}/python/bin:/usr/bin:/bin"
        for instruction in instructions:
            match instruction.name:
                case "FROM" | "LABEL" | "EXPOSE" | "STOPSIGNAL":
                    pass
                case "WORKDIR":
                    self.folder = instruction.rest
                    self.path(self.folder).mkdir(parents=True, exist_ok=True)
                case "ENV":
                    pairs = (word.partition("=") for word in instruction.words)
                    self.environment |= {key: self.mapped(value) for key, _, value in pairs}
                case "USER":
                    self.user = int(instruction.rest.partition(":")[0])
                case "COPY":
                    self._copy(instruction, context, others)
                case "RUN":
                    self._run(instruction.rest)
                case "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
                    self.commands[instruction.name] = exec_form(instruction.rest)
                case name:
                    raise NotImplementedError(name)

    def path(self, name: str) -> Path:
        """Return where a path of the image is."""
        return self.root / Path(self.folder, name).relative_to("/")

    def mapped(self, text: str) -> str:
        """Return a text in which the paths of the image lead into its directory."""
        return re.sub(r"(?<![\w./-])(?=/(?:app|data)(?![\w.-]))", str(self.root), text)

    def _copy(self, instruction: Instruction, context: Path, others: Mapping[str, "Stage"]) -> None:
        *sources, target = instruction.words
        origin = instruction.options.get("from")
        for source in sources:
            place = others[origin].path(source) if origin else context / source
            end = self.path(target)
            if place.is_dir():
                ignored = shutil.ignore_patterns("__pycache__") if not origin else None
                shutil.copytree(place, end, dirs_exist_ok=True, symlinks=True, ignore=ignored)
            else:
                shutil.copy2(place, end / place.name if target.endswith("/") else end)
            if "chown" in instruction.options and os.geteuid() == 0:
                user, _, group = instruction.options["chown"].partition(":")
                os.chown(end, int(user), int(group))

    def _run(self, command: str) -> None:
        network = {key: value for key, value in os.environ.items() if _NETWORK.fullmatch(key)}
        subprocess.run(
            ["/bin/sh", "-c", self.mapped(command)],
            check=True,
            cwd=self.path("."),
            env=self.environment | network,
        )

    def start(self, command: Sequence[str], **environment: str) -> subprocess.Popen[bytes]:
        """Start a command as the image's user, with the image's environment alone and ``more``."""
        root = os.geteuid() == 0
        return subprocess.Popen(
            [self.mapped(word) for word in command],
            cwd=self.path("."),
            env=self.environment | {"HOME": "/"} | environment,
            user=self.user if root else None,
            group=self.user if root else None,
            extra_groups=[] if root else None,
        )


def exec_form(text: str) -> list[str]:
    """Return the words of a command before which no shell stands; any other is an error."""
    words: list[str] = json.loads(text.removeprefix("CMD").strip())
    return words


def _python(user: int | None) -> str:
    """Return a Python that the user may run: root's own may lie where nobody else may look."""
    own = getattr(sys, "_base_executable", sys.executable)
    check = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    for python in (own, "/usr/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", check], check=True, user=user, env={}, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return str(python)
    raise FileNotFoundError(f"user {user} needs a python3, 3.11 or later, with venv in /usr/bin")
