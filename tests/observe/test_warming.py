"""The first call needs nothing that is not there already."""

import json
import os
import subprocess
import sys
from pathlib import Path

from cds_service import hooks
from cds_service.engine import Engine
from cds_service.guideline import load
from cds_service.observe import warming
from cds_service.settings import Settings

ROOT = Path(__file__).parents[2]
CODE = """
import json, sys
from pathlib import Path
from cds_service.app import READINESS, create_app
from cds_service.settings import Settings

app = create_app(Settings(auth="off", database_url="sqlite:///store.sqlite3"))
client = app.test_client()
if sys.argv[1] == "warm":
    assert app.extensions[READINESS].report()[0]
loaded, watching = [], []
def see(event, details):
    if watching and event in {"import", "open"} and "store.sqlite3" not in str(details[0]):
        loaded.append(str(details[0]))
sys.addaudithook(see)
for path in map(Path, sys.argv[2:]):
    body = json.loads(path.read_text())
    address = "/cds-services/cutaneous-leiomyosarcoma-" + body["hook"]
    watching.append(1)
    assert client.post(address, json=body).status_code == 200
    watching.clear()
print(json.dumps(loaded))
"""


def loaded(tmp_path: Path, how: str) -> list[str]:
    """Return what the first calls of a process load or open."""
    cases = sorted((ROOT / "fixtures" / "fhir").glob("*/request.json"))
    assert cases
    result = subprocess.run(
        [sys.executable, "-c", CODE, how, *map(str, cases)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 0, result.stderr
    found: list[str] = json.loads(result.stdout)
    return found


def test_nothing_is_loaded(tmp_path: Path) -> None:
    """After the checks of readiness a call imports no module and opens no file; before, it does."""
    assert loaded(tmp_path, "warm") == []
    assert any("fhir.resources" in name for name in loaded(tmp_path, "cold"))


def test_made_up_calls() -> None:
    """The made-up calls are answered with cards and suggestions, of every service with any."""
    engine = Engine(Settings(auth="off"), load())
    assert warming.walk(engine, hooks.services()) is None
    assert warming.walk(engine, ()) == "a made-up tumour is answered without cards"
