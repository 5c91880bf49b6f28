"""What ``make sbom``, ``audit``, ``bandit`` and ``secret-scan`` find, and that they do find it."""

import json
import os
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .test_locks import versions

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv" / "security" / "bin"
tools = pytest.mark.skipif(
    not os.environ.get("SECURITY"), reason="needs tools of its own; see make test-security"
)
GIT = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org")
#: Made for this test, and joined here so that no scan takes them for somebody's.
SECRETS = {
    "key.pem": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n",
    "settings.yaml": "password: " + "hunter2-Tr0ub4dor&3\n",
    "cloud.py": 'KEY = "AKIA' + 'Z7XQ2M4N6P8R0T1V"\n',
    "token.json": '{"t": "eyJhbGciOiJFUzM4NCJ9' + '.eyJpc3MiOiJhIn0.c2lnbmF0dXJl"}\n',
}


def run(*command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )


@tools
def test_bill_of_materials(tmp_path: Path) -> None:
    """Every package that the image installs stands in it, with version, hashes and who needs it."""
    target = tmp_path / "build" / "sbom.json"
    done = run(BIN / "python", "tools/sbom.py", "requirements.lock", target)
    assert done.returncode == 0, done.stderr
    bill = json.loads(target.read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == (
        "CycloneDX",
        "cds-service",
    )
    found = {item["name"]: item for item in bill["components"]}
    locked = {name: version for (name, _), version in versions(ROOT / "requirements.lock").items()}
    assert {name: item["version"] for name, item in found.items()} == locked
    for item in found.values():
        assert item["purl"].startswith("pkg:pypi/")
        assert all(source["hashes"] for source in item["externalReferences"])
    needed = {ref for item in bill["dependencies"] for ref in item["dependsOn"]}
    assert needed == {item["bom-ref"] for item in found.values()}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with our baseline and one harmless file."""
    shutil.copy(ROOT / ".secrets.baseline", tmp_path)
    (tmp_path / "harmless.py").write_text("ANSWER = 42\n")
    (tmp_path / "other.py").write_text("ANSWER = 43\n")
    run(*GIT, "init", "--quiet", cwd=tmp_path)
    run(*GIT, "add", "--all", cwd=tmp_path)
    return tmp_path


def scan(repository: Path) -> subprocess.CompletedProcess[str]:
    """Return what the scan says of a repository."""
    return run(BIN / "python", ROOT / "tools/secret_scan.py", cwd=repository)


@tools
@pytest.mark.parametrize("name", SECRETS)
def test_a_planted_secret_is_found(repository: Path, name: str) -> None:
    """A key, a password or a token that is tracked is found, and its place named."""
    assert scan(repository).returncode == 0
    (repository / name).write_text(f"\n{SECRETS[name]}")
    assert scan(repository).returncode == 0, "it is not tracked"
    run(*GIT, "add", name, cwd=repository)
    done = scan(repository)
    assert done.returncode == 1
    assert f"{name}:2: " in done.stdout


@tools
def test_allowed_in_its_line(repository: Path) -> None:
    """What is no secret can say so beside itself."""
    text = SECRETS["cloud.py"].replace("\n", "  # pragma: allowlist secret\n")
    (repository / "cloud.py").write_text(text)
    run(*GIT, "add", "cloud.py", cwd=repository)
    assert scan(repository).returncode == 0


def test_baseline() -> None:
    """What is known to be no secret lies in tests and made-up charts alone, and still exists."""
    known = json.loads((ROOT / ".secrets.baseline").read_text())["results"]
    assert known
    for name in known:
        assert name.startswith(("tests/", "fixtures/"))
        assert (ROOT / name).is_file()


@tools
@pytest.mark.parametrize(
    "line",
    [
        "eval(input())",
        "import pickle\npickle.loads(b'')",
        "import yaml\nyaml.load('', Loader=yaml.Loader)",
        "import requests\nrequests.get('https://a.example.org', verify=False, timeout=1)",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import hashlib\nhashlib.md5(b'')",
        "from xml.etree import ElementTree\nElementTree.fromstring('')",
        "import tarfile\ntarfile.open('x').extractall()",
    ],
)
def test_bandit_finds(tmp_path: Path, line: str) -> None:
    """What our configuration leaves out hides none of what matters."""
    (tmp_path / "bad.py").write_text(f"{line}\n")
    command = (BIN / "bandit", "--quiet", "--configfile", "pyproject.toml", tmp_path / "bad.py")
    assert run(*command).returncode == 1


def audit() -> Any:
    """Return what the audit makes of pip-audit's findings."""
    return runpy.run_path(str(ROOT / "tools/audit.py"))["verdict"]


GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([GOOD], 0, "1 packages, no known vulnerability"),
        ([GOOD, BAD], 1, "VULNERABLE b 2: CVE-2026-1, fixed in: 3"),
        ([GOOD, SKIPPED], 3, "NOT AUDITED c: not found"),
        ([BAD, SKIPPED], 1, "NOT AUDITED c: not found"),
        ([], 3, "This is no pass"),
    ],
    ids=["none", "some", "skipped", "some and skipped", "nothing"],
)
def test_audit(packages: list[dict[str, Any]], code: int, said: str) -> None:
    """A package that could not be asked about is no pass, but a failure of its own kind."""
    found, lines = audit()(packages)
    assert found == code
    assert said in "\n".join(lines)
