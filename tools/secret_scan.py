"""Looks for secrets in the files that git tracks; those of the baseline are known to be none.

python tools/secret_scan.py             exits 1 and names file and line where one is new
python tools/secret_scan.py --update    writes the baseline anew; read what is new in it
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.core import baseline
from detect_secrets.settings import get_settings, transient_settings

BASELINE = Path(".secrets.baseline")


def tracked() -> list[str]:
    """Return the files that git tracks here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the user's git
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    names = listed.stdout.rstrip("\0").split("\0")
    return [name for name in names if Path(name).is_file() and name != str(BASELINE)]


def main(arguments: Sequence[str]) -> int:
    """Scan; return 1 where something is new."""
    known = json.loads(BASELINE.read_text(encoding="utf-8"))
    settings = {key: known[key] for key in ("plugins_used", "filters_used")}
    files = tracked()
    with transient_settings(settings):
        found = SecretsCollection()
        found.scan_files(*files)
        if "--update" in arguments:
            written = {**get_settings().json(), "results": found.json()}
            text = json.dumps({"version": known["version"], **written}, indent=1)
            BASELINE.write_text(f"{text}\n", encoding="utf-8")
            return 0
    new = found - baseline.load(known)
    for name, secret in new:
        print(f"{name}:{secret.line_number}: {secret.type}")
    if new:
        print(
            "If one of these is none, say so in its line (pragma: allowlist secret), or, where a "
            "line can say nothing, write the baseline anew with --update."
        )
        return 1
    print(f"{len(files)} files, {sum(1 for _ in found)} known places, nothing new")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
