"""Writes the bill of materials of what the image installs: CycloneDX, validated.

python tools/sbom.py requirements.lock build/sbom.json
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[1]
_PACKAGE = re.compile(r"([\w.-]+)==")
_VIA = re.compile(r"    #(?: via|  ) ([\w.-]+)(?: \(pyproject\.toml\))?")


def components(lock: Path) -> dict[str, Any]:
    """Return the bill that the lock file alone gives, without what needs what."""
    command = [Path(sys.executable).with_name("cyclonedx-py"), "requirements", lock]
    project = ["--pyproject", ROOT / "pyproject.toml", "--output-reproducible"]
    made = subprocess.run(  # noqa: S603 - our own arguments
        [*command, *project], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    bill: dict[str, Any] = json.loads(made.stdout)
    return bill


def needed_by(lock: Path) -> dict[str, list[str]]:
    """Return by whom each package of the lock file is needed, as its comments say."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    package = ""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := _PACKAGE.match(line):
            package = match[1]
        elif match := _VIA.fullmatch(line):
            found[package].append(match[1])
    return dict(found)


def complete(bill: dict[str, Any], lock: Path, *, name: str, version: str) -> dict[str, Any]:
    """Return the bill with the project's version, and with what needs what."""
    refs = {item["name"]: item["bom-ref"] for item in bill["components"]}
    root = bill["metadata"]["component"]
    root["version"] = version
    root["purl"] = f"pkg:pypi/{name}@{version}"
    refs[name] = root["bom-ref"]
    needs: defaultdict[str, list[str]] = defaultdict(list)
    for package, users in needed_by(lock).items():
        for user in users:
            needs[refs[user]].append(refs[package])
    bill["dependencies"] = [
        {"ref": ref, "dependsOn": sorted(needs[ref])} for ref in sorted(refs.values())
    ]
    return bill


def main(lock: Path, target: Path) -> str | None:
    """Write the bill; return what is wrong with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = (ROOT / "cds_service" / "__init__.py").read_text(encoding="utf-8")
    version = re.findall(r'__version__ = "(.+)"', package)[0]
    bill = complete(components(lock), lock, name=project["name"], version=version)
    text = json.dumps(bill, indent=1, sort_keys=True) + "\n"
    schema = SchemaVersion.from_version(bill["specVersion"])
    if problem := JsonStrictValidator(schema).validate_str(text):
        return f"the bill of materials is not valid: {problem}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(f"{target}: {len(bill['components'])} packages of {project['name']} {version}")
    return None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
