"""A guideline in place of the package's: what it must hold, and what no number can be."""

from importlib import resources
from pathlib import Path

import pytest

from cds_service.guideline import GuidelineError, load, read

TEXT = resources.files("cds_service.guideline").joinpath("guideline.toml").read_text("utf-8")
S34 = "minimum_months = 4, maximum_months = 6, years_low = 3, years_high = 5"


def refused(tmp_path: Path, old: str, new: str) -> str:
    """Return why the package's guideline with one change is refused; it names the file."""
    assert old in TEXT
    path = tmp_path / "own.toml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(GuidelineError) as error:
        read(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")


def test_without_a_file() -> None:
    """Without a file it is the package's."""
    assert read(None) is load()


def test_the_package_s_own_file(tmp_path: Path) -> None:
    """A copy of the package's file is accepted, and says the same."""
    (tmp_path / "own.toml").write_text(TEXT)
    assert read(tmp_path / "own.toml") == load()


def test_a_changed_number(tmp_path: Path) -> None:
    """A changed number and a version of one's own are what the file says."""
    text = TEXT.replace('version = "1.0.0"', 'version = "1.0.0-site.2"')
    (tmp_path / "own.toml").write_text(text.replace("margin_cm = 1 ", "margin_cm = 1.5 "))
    own = read(tmp_path / "own.toml")
    assert (own.version, own.number("S24", "margin_cm")) == ("1.0.0-site.2", 1.5)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("nan", "margin_cm must be a number from 0"),
        ("inf", "margin_cm must be a number from 0"),
        ("-1", "margin_cm must be a number from 0"),
        ("100000", "margin_cm must be a number from 0 to 10000"),
        ("true", "margin_cm must be a number; it is True"),
        ('"1"', "margin_cm must be a number; it is '1'"),
    ],
)
def test_numbers(tmp_path: Path, new: str, said: str) -> None:
    """What no clinical number can be is refused, with its statement and its name."""
    found = refused(tmp_path, "margin_cm = 1 ", f"margin_cm = {new} ")
    assert "statements.S24 " in found
    assert said in found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("minimum_months = 4", "minimum_months = 4.5", "minimum_months must be a whole number"),
        ("minimum_months = 4", "minimum_months = 0", "minimum_months must be a whole number, 1"),
        ("minimum_months = 4", "minimum_months = 7", "minimum_months must not be more than max"),
        ("years_low = 3", "years_low = 6", "years_low must not be more than years_high"),
    ],
)
def test_intervals(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Months and years are whole, at least one, and in order."""
    found = refused(tmp_path, S34, S34.replace(old, new))
    assert "statements.S34 " in found
    assert said in found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (S34, S34.replace("years_low = 3, ", ""), "statements.S34 is incomplete or wrong: KeyErr"),
        (
            'skin examination every {interval_months} months (annually)"\nnumbers = { interval',
            'skin examination annually"\nnumbers = { every',
            "statements.S41.numbers.interval_months is missing",
        ),
        ("[policy.report_lag]\ndays = 90", "[policy.report_lag]", "policy.report_lag.days is miss"),
        ('[rules."margin.clear"]', '[rules."margin.free"]', "rules.margin.clear is missing"),
        ("[matches.refused]", "[matches.declined]", "matches.refused is missing"),
        ("not_found = ", "not_there = ", "words.line.not_found is missing"),
        ('card_label = "', 'card_labels = "', "meta.card_label is missing"),
        ('version = "1.0.0"', "version = 1.0", "meta.version must be a text; it is 1.0"),
        ('version = "1.0.0"', 'version = "a b"', "meta.version must be like 1.2.0"),
    ],
)
def test_what_is_missing(tmp_path: Path, old: str, new: str, said: str) -> None:
    """What the service asks for by name has to be there: a request would fail otherwise."""
    assert said in refused(tmp_path, old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{missing}.", "{mising}.", "words.line.not_found: nothing fills in {mising}; known"),
        ("{minimum}", "{widest}", "rules.margin"),
        ("{minimum}", "{widest", "rules.margin"),
    ],
)
def test_place_holders(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A place holder that nothing fills in, and half a one, are refused."""
    assert said in refused(tmp_path, old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('state = "act"', 'state = "urgently"', "'urgently' is not defined; known are act, "),
        ('indicator = "warning"', 'indicator = "red"', "indicator: 'red' is not defined; known"),
    ],
)
def test_states(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A state or an indicator that no card can have is refused."""
    assert said in refused(tmp_path, old, new)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there, and one that is no text, are named."""
    with pytest.raises(GuidelineError, match=r"none.toml cannot be read: .*No such file"):
        read(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(GuidelineError, match=r"bytes.toml cannot be read: .*decode"):
        read(tmp_path / "bytes.toml")
