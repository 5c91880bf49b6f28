"""What the guideline data and the value sets hold for the rule book."""

import re

import pytest

from cds_service import terminology
from cds_service.guideline import GuidelineError, load, loads


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[about]\n", "[abort]\n", "about is incomplete or wrong"),
        ("\nfunding = ", "\nfunded = ", "about is incomplete or wrong: TypeError .*funded"),
        (
            "\nlimits = [",
            '\nlimits = "none"\nlimited = [',
            "about is .*limits must be a list of sentences",
        ),
        ("\nout_of_scope = [", "\nout = [", "about is .*out must be a sentence"),
        ("[about.uses.race]", "[about.use.race]", "about is incomplete or wrong"),
        ("used = false", 'used = "no"', r"about\.uses\.race is .*true or false"),
        ("{S42.start_age}", "{S42.age}", r"about\.uses\.date-of-birth is .*age"),
        ("{meta.source_title}", "{meta.name}", "about is incomplete or wrong: .*name"),
        (
            'prognosis = ["S12",',
            'prognosis = ["S99",',
            r"topics\.diagnosis\.prognosis: 'S99' is not",
        ),
    ],
)
def test_what_is_broken_is_named(toml: str, old: str, new: str, said: str) -> None:
    """What is wrong in the tables about the service and its topics is named by its place."""
    assert old in toml
    with pytest.raises(GuidelineError, match=said):
        loads(toml.replace(old, new, 1))


def test_uses_that_are_missing(toml: str) -> None:
    """The table of the patient's attributes cannot be left out."""
    text = re.sub(r"(?ms)^\[about\.uses\.[\w-]+\]\n.*?(?=^\[|^# )", "", toml)
    with pytest.raises(GuidelineError, match=r"lacks the table \[about\.uses\]"):
        loads(text)


def test_prognosis_is_that_of_the_source() -> None:
    """Prognosis is what S12 to S19 say, and stands with diagnosis and margin."""
    topics = load().topics
    expected = tuple(f"S{number}" for number in range(12, 20))
    stated = {key: topic.prognosis for key, topic in topics.items() if topic.prognosis}
    assert stated == {"diagnosis": expected, "margin": expected}


def test_value_sets_share_a_version() -> None:
    """The value sets are released together: one version is that of all."""
    terms = terminology.load()
    assert {each["version"] for each in terminology.documents()} == {terms.version}
    assert {each.version for each in terms.value_sets.values()} == {terms.version}
