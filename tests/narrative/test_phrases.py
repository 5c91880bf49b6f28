"""The table of phrases: each text with everything it says of the topics that decide."""

import tomllib
from pathlib import Path

import pytest

from cds_service.narrative import Certainty, Mention, read

_TABLE = tomllib.loads(Path(__file__).with_name("phrases.toml").read_text("utf-8"))
_ROWS = [(text, says) for group in _TABLE.values() for text, says in group["rows"]]
_WATCHED = frozenset(
    [
        "tumour",
        "depth",
        "margin",
        "width",
        "grade",
        "size",
        "recurrence",
        "metastasis",
        "residual",
        "hlrcc",
        "organ",
    ]
)
_MARK = {Certainty.ASSERTED: "", Certainty.NEGATED: "-", Certainty.UNCERTAIN: "?"}


def _written(mention: Mention) -> str:
    value = mention.value
    number = f"{value:g}" if isinstance(value, float) else str(value)
    text = f"{_MARK[mention.certainty]}{mention.topic} {mention.bound or ''}{number}"
    text += f"/{mention.detail}" if mention.detail else ""
    text += " ~past" if mention.history else ""
    return text + (" ~family" if mention.about == "family" else "")


def _expected(says: str) -> set[str]:
    rows = (row.strip() for row in says.split(";"))
    return {row.replace("LMS", "tumour leiomyosarcoma") for row in rows if row}


@pytest.mark.parametrize(("text", "says"), _ROWS, ids=[text[:60] for text, _ in _ROWS])
def test_phrase(text: str, says: str) -> None:
    """A phrase says what its row lists, and nothing else of the topics that decide."""
    expected = _expected(says)
    found = {(_written(mention), mention.topic) for mention in read(text).mentions}
    named = {written for written, _ in found if written in expected}
    deciding = {written for written, topic in found if topic in _WATCHED}
    assert named | deciding == expected


def test_table_is_large() -> None:
    """The table keeps at least 300 phrases."""
    assert len(_ROWS) >= 300
