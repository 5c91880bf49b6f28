from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.observe.fields import FIELDS, allowed, escaped

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def line(**fields: Any) -> dict[str, Any]:
    """Return what is left of a line."""
    return allowed(None, "info", fields)


def test_known_fields_alone() -> None:
    """A field that is not in the table is dropped, whoever wrote it."""
    assert line(event="request", patient="Jane", body={}, token="x") == {"event": "request"}  # noqa: S106


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hookInstance", "Jane Doe"),
        ("hookInstance", "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea\n"),
        ("hookInstance", 7),
        ("request_id", "../../etc"),
        ("hook", "jane-doe"),
        ("service", "jane-doe"),
        ("client", "Jane Doe"),
        ("states", {"margin": "Jane", "Jane": "act"}),
        ("states", "act"),
        ("unread", ["Jane"]),
        ("rules", {"margin": "Jane Doe"}),
        ("timings", {"Jane": 1.0, "read": "Jane"}),
        ("versions", {"guideline": "Jane Doe"}),
        ("status", "Jane"),
        ("cards", [1]),
        ("level", "Jane"),
        ("exception", "Jane Doe"),
        ("reason", "Jane Doe"),
        ("shadow", "Jane"),
        ("tenant", 5),
    ],
)
def test_value_of_another_kind(name: str, value: object) -> None:
    """What is not the kind of value that a field is for is dropped."""
    assert line(**{name: value}) == {}


def test_good_values() -> None:
    """What is of its field's kind stays as it is; of a table what is good stays."""
    good = {
        "hookInstance": "D1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "hook": "patient-view",
        "service": "cutaneous-leiomyosarcoma-patient-view",
        "client": "ehr.north_1",
        "status": 200,
        "cards": 0,
        "unread": ["reports"],
        "rules": {"margin": "margin.positive,margin.unknown"},
        "timings": {"read": 0.25},
        "versions": {"program": "0.1.0", "guideline": "1.0.0-local+2"},
        "shadow": False,
    }
    assert line(**good) == good
    assert line(states={"margin": "act", "hlrcc": "Jane"}) == {"states": {"margin": "act"}}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), ANYTHING))
def test_any_value(fields: dict[str, Any]) -> None:
    """No value whatever fails, and no text of a line holds a control character."""
    for value in line(**fields).values():
        assert not isinstance(value, str) or value.isprintable()


def test_one_line() -> None:
    """A text stays on its line, shows its control characters and has an end."""
    forged = 'x\n{"level":"error"}\r\x1b[31m\u2028\x85\u202e\ud800'
    plain = escaped(forged)
    assert plain.isprintable()
    assert "\\n" in plain
    assert "\\x1b" in plain
    assert len(escaped("x" * 5000)) == 1000


def test_documentation() -> None:
    """docs/operate.md names every field."""
    page = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [name for name in FIELDS if not any(f"`{name}`" in row for row in rows)] == []
