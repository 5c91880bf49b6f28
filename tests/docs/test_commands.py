"""Every command of the documentation is run, or is on the list below with the reason why not."""

import itertools
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import orjson
import pytest

from cds_service import settings
from cds_service.cli import main

from . import fhir
from .pages import PAGES, ROOT, Block, blocks, spans
from .sandbox import Sandbox

#: Commands that are not run: how they begin, and why.
NOT_RUN = {
    "docker ": "needs a Docker engine; make compose-check does what it would do",
    "curl --insecure https://localhost:8443": "asks the proxy that docker compose starts",
    "kubectl ": "needs a cluster; make compose-check checks the manifests",
    "PYSPARK_SUBMIT_ARGS=": "needs a Spark cluster",
    "cds-service check && kill": "would find every service of this machine",
    "make test": "is what runs this",
    "make matrix": "takes minutes; tests/simulate plays a part of it",
    "make soak": "takes as long as it is told; tests/soak has a short one",
    "make sbom": "tests/security runs it",
    "make bandit": "tests/security runs it",
    "make secret-scan": "tests/security runs it",
}
#: Commands that are run where what they need is there: how they are known, the module, and why.
NEEDS = {
    "--engine spark": ("pyspark", "needs the extra spark, and Java"),
    ".parquet": ("pyarrow", "needs the extra parquet"),
}
#: Commands that are to fail: how they begin, the exit code, and why.
FAILS = {
    "cds-service trust check TOKEN": (1, "TOKEN stands for a token"),
}
_SHELL = [
    pytest.param(block, id=f"{block.page}:{block.line}")
    for page in PAGES
    for block in blocks(page)
    if block.is_shell
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the address of a FHIR server that keeps what is loaded."""
    with fhir.serving() as address:
        yield address


@pytest.fixture(scope="module")
def sandboxes(tmp_path_factory: pytest.TempPathFactory, server: str) -> dict[str, Sandbox]:
    """Return one checkout a page; they are made when they are asked for."""
    for program in ("git", "curl", "bash"):
        if shutil.which(program) is None:
            pytest.skip(f"the pages' commands need {program}")
    return _Sandboxes(tmp_path_factory.mktemp("docs"), server)


class _Sandboxes(dict[str, Sandbox]):
    """A checkout for each page: what one block writes, the next ones find."""

    def __init__(self, path: Path, server: str) -> None:
        """Make the one from which the others are copied."""
        super().__init__()
        self._path = path
        self._base = Sandbox.make(path / "base", fhir=server)

    def __missing__(self, page: str) -> Sandbox:
        """Make the checkout of a page."""
        self[page] = self._base.copy(self._path / re.sub(r"\W", "-", page))
        return self[page]


def reason(command: str) -> str | None:
    """Return why a command is not run; None where it is."""
    for start, why in NOT_RUN.items():
        if command.startswith(start):
            return why
    for part, (module, why) in NEEDS.items():
        if part in command and find_spec(module) is None:
            return why
    return None


@pytest.mark.parametrize("block", _SHELL)
def test_block(block: Block, sandboxes: dict[str, Sandbox]) -> None:
    """The commands of a block run one after the other, in a checkout of their page's own."""
    sandbox = sandboxes[block.page]
    _configure(block, sandbox)
    assert block.commands, "a block for the shell has no command"
    run = [
        (
            command,
            next((code for start, (code, _) in FAILS.items() if command.startswith(start)), 0),
        )
        for command in block.commands
        if reason(command) is None
    ]
    if run:
        code, output = sandbox.run(sandbox.script(run))
        assert (code, "all commands have run" in output) == (0, True), output[-3000:]
    for command in block.commands:
        check(command)


def _configure(block: Block, sandbox: Sandbox) -> None:
    """Write the clients that stand before a block on its page into ``cds.toml``."""
    for other in blocks(block.page):
        if other.line < block.line and other.language == "toml" and "[clients." in other.text:
            (sandbox.path / "cds.toml").write_text(other.text)


def check(text: str) -> None:
    """Check a command without running it: its syntax, its options, its targets and files."""
    subprocess.run(["bash", "-n", "-c", text], check=True)  # noqa: S607
    for words in simple(text):
        name, *rest = itertools.dropwhile(re.compile(r"[A-Z_]+=").match, words)
        if name == "cds-service":
            parsed(rest)
        elif name == "make":
            target(rest[0])
        for word in words:
            if re.match(r"(deploy|tools|fixtures|cds_service|docs)/", word):
                assert (ROOT / word).exists(), word


def simple(text: str) -> list[list[str]]:
    """Return the simple commands of a line, each as its words."""
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set(";&|"):
            found.append([])
        else:
            found[-1].append(word)
    return found


def parsed(words: list[str]) -> None:
    """Assert that the command line has a command with these options."""
    command: click.Command = main
    context = click.Context(main, info_name="cds-service")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]}"
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    for word in words:
        name = word.partition("=")[0]
        assert not name.startswith("-") or name in {*options, "--help", "-h", "--version"}, word


def target(name: str) -> None:
    """Assert that the Makefile has a target."""
    rules = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{re.escape(name)}:", rules, re.MULTILINE), f"make has no {name}"


@pytest.mark.parametrize("page", PAGES)
def test_spans(page: str) -> None:
    """Commands within the text are such that there are, with options that there are."""
    for span in spans(page):
        words = span.split()
        if words[:1] == ["cds-service"]:
            parsed([word for word in words[1:] if word != "…"])
        elif words[:1] == ["make"] and len(words) > 1 and "=" not in words[1]:
            target(words[1])


def test_list() -> None:
    """Each exception is one of a command that stands somewhere."""
    commands = [command for block in _SHELL for command in block.values[0].commands]
    for start in (*NOT_RUN, *FAILS):
        assert any(command.startswith(start) for command in commands), start
    for part in NEEDS:
        assert any(part in command for command in commands), part


@pytest.mark.parametrize("page", PAGES)
def test_data(page: str, tmp_path: Path) -> None:
    """Blocks of TOML and JSON are such; a table of clients can be served."""
    for block in blocks(page):
        if block.language == "json" and "…" not in block.text:
            orjson.loads(block.text)
        if block.language != "toml":
            continue
        found = tomllib.loads(block.text)
        if "clients" in found:
            path = tmp_path / "cds.toml"
            path.write_text(block.text)
            loaded, _ = settings.load({"CDS_CONFIG": str(path), "CDS_DEV": "1"})
            assert len(loaded.clients) == len(found["clients"])
