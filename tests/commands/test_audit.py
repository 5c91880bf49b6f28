import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle

from cds_service.observe.audit import References
from cds_service.settings import Settings
from cds_service.store import AuditRow, Store

from .conftest import Run

KEY = "0123456789abcdef"
NOON = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def some(tmp_path: Path) -> None:
    """Record two patients, one of them twice, in the database that ``serve`` takes here."""
    store = Store(f"sqlite:///{tmp_path}/cds-service.sqlite3")
    store.migrate()
    kept = References(Settings(audit_key=KEY)).kept
    for number, (patient, user) in enumerate((("a", "1"), ("b", "1"), ("a", "2"))):
        store.record_audit(
            AuditRow(
                at=NOON + dt.timedelta(days=number),
                request="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
                endpoint="call",
                status=200,
                program="0.1.0",
                patient=kept(f"Patient/{patient}"),
                user=kept(f"Practitioner/{user}"),
            )
        )
    store.engine.dispose()


def exported(run: Run, *arguments: str, **environment: str) -> list[str]:
    """Return the ids of what is exported, each line read by the FHIR R4B model."""
    result = run("audit", "export", *arguments, **environment)
    assert (result.exit_code, result.stderr) == (0, "")
    return [str(AuditEvent.model_validate_json(line).id) for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("some")
def test_export(run: Run) -> None:
    """The whole record is one AuditEvent a line, the oldest first."""
    assert exported(run) == ["1", "2", "3"]
    assert exported(run, "--format", "ndjson") == ["1", "2", "3"]


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("--since", "2026-12-02"), ["2", "3"]),
        (("--until", "2026-12-01"), ["1"]),
        (("--since", "2026-12-02", "--until", "2026-12-02"), ["2"]),
        (("--since", "2027-01-01"), []),
        (("--patient", "a"), ["1", "3"]),
        (("--patient", "Patient/a"), ["1", "3"]),
        (("--user", "Practitioner/1"), ["1", "2"]),
        (("--patient", "a", "--user", "Practitioner/1"), ["1"]),
        (("--patient", "c"), []),
    ],
)
def test_part(run: Run, arguments: tuple[str, ...], ids: list[str]) -> None:
    """Days, a patient and a user can be asked for; with the key a digest is found."""
    assert exported(run, *arguments, CDS_AUDIT_KEY=KEY) == ids


@pytest.mark.usefixtures("some")
def test_another_key(run: Run) -> None:
    """Without the key of that time nobody is found."""
    assert exported(run, "--patient", "a") == []
    assert exported(run, "--patient", "a", CDS_AUDIT_KEY=KEY[::-1]) == []


@pytest.mark.usefixtures("some")
def test_bundle(run: Run) -> None:
    """The record can be had as a Bundle; an empty one has no entries."""
    result = run("audit", "export", "--format", "bundle")
    bundle: dict[str, Any] = json.loads(result.stdout)
    Bundle.model_validate(bundle)
    assert len(bundle["entry"]) == 3
    empty = run("audit", "export", "--format", "bundle", "--since", "2027-01-01").stdout
    assert json.loads(empty) == {"resourceType": "Bundle", "type": "collection"}


def test_many(run: Run, tmp_path: Path) -> None:
    """More rows than are read at once come all, and once each."""
    store = Store(f"sqlite:///{tmp_path}/cds-service.sqlite3")
    store.migrate()
    for _ in range(1003):
        store.record_audit(
            AuditRow(at=NOON, request="x", endpoint="call", status=200, program="0.1.0")
        )
    store.engine.dispose()
    assert exported(run) == [str(number) for number in range(1, 1004)]


def test_no_database(run: Run, tmp_path: Path) -> None:
    """A database that cannot be read is one line."""
    result = run("audit", "export", CDS_DATABASE_URL=f"sqlite:///{tmp_path}/no/x.sqlite3")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The database of CDS_DATABASE_URL")
