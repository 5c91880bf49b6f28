import datetime as dt
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cds_service.store import FeedbackRow, SentCard, Store

from .conftest import Run

NOON = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
HEAD = "topic,rule,sent,accepted,overridden,accept_rate,override_rate,reasons,shadow"


@pytest.fixture
def some(tmp_path: Path) -> None:
    """Fill the database that ``serve`` takes in this directory."""
    store = Store(f"sqlite:///{tmp_path}/cds-service.sqlite3")
    store.migrate()
    store.record_cards(
        SentCard(
            uuid=f"00000000-0000-4000-8000-{number:012}",
            topic="margin",
            rule=f"m{number % 2}",
            guideline_version="1.0.0",
            service="view",
            client="",
            sent_at=NOON,
            shadow=number == 4,
        )
        for number in range(5)
    )
    store.record_feedback(
        FeedbackRow(
            card=f"00000000-0000-4000-8000-{number:012}",
            service="view",
            client="",
            outcome=outcome,
            outcome_at=NOON,
            reason="patient-refuses" if outcome == "overridden" else None,
        )
        for number, outcome in ((0, "accepted"), (1, "overridden"))
    )


@pytest.mark.usefixtures("some")
def test_csv(run: Run) -> None:
    """The report as CSV has rates and reasons by topic and rule."""
    result = run("feedback", "report", "--format", "csv")
    assert result.stdout.splitlines() == [
        HEAD,
        "margin,m0,2,1,0,50.0%,0.0%,,1",
        "margin,m1,2,0,1,0.0%,50.0%,patient-refuses: 1,0",
    ]
    result = run("feedback", "report", "--format", "csv", "--by", "topic")
    assert result.stdout.splitlines()[1:] == ["margin,,4,1,1,25.0%,25.0%,patient-refuses: 1,1"]


@pytest.mark.usefixtures("some")
def test_table(run: Run) -> None:
    """The table is the default."""
    output = run("feedback", "report", "--by", "topic", COLUMNS="160").stdout
    for word in ("margin", "25.0%", "patient-refuses: 1"):
        assert word in output


@pytest.mark.usefixtures("some")
def test_chart(run: Run) -> None:
    """The chart has a bar for each row, in which each part has its share."""
    _, bar = run("feedback", "report", "--format", "chart", "--by", "topic").stdout.splitlines()
    label = " margin: 1 accepted, 1 overridden of 4; 1 in shadow mode"
    assert bar == "█" * 10 + "▒" * 10 + "·" * 20 + label


@pytest.mark.usefixtures("some")
def test_svg(run: Run) -> None:
    """The picture is well-formed, with a label a row."""
    root = ET.fromstring(run("feedback", "report", "--format", "svg").stdout)  # noqa: S314 - ours
    labels = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert labels[0] == "margin m0: 1 accepted, 0 overridden of 2; 1 in shadow mode"


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("limit", [("--since", "2026-12-02"), ("--until", "2026-11-30")])
def test_time(run: Run, limit: tuple[str, str]) -> None:
    """The report can be of some days."""
    assert run("feedback", "report", "--format", "csv", *limit).stdout == f"{HEAD}\n"


def test_nothing_yet(run: Run) -> None:
    """An empty database is an empty report in every form."""
    for form in ("table", "csv", "chart", "svg"):
        assert run("feedback", "report", "--format", form).exit_code == 0


def test_unusable_database(run: Run) -> None:
    """A database that cannot be used is one line that says what to do."""
    for command in (("feedback", "report"), ("db", "upgrade")):
        result = run(*command, CDS_DATABASE_URL="sqlite:////nowhere/at/all.sqlite3")
        assert result.exit_code == 1
        assert "CDS_DATABASE_URL" in result.stderr
        assert "Traceback" not in result.output


def test_upgrade(run: Run) -> None:
    """The tables can be made before the service starts; a password is not printed."""
    result = run("db", "upgrade", CDS_DATABASE_URL="sqlite:///made.sqlite3")
    assert result.exit_code == 0
    assert Path("made.sqlite3").exists()
