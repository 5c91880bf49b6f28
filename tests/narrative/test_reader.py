"""What holds for every text, whatever it says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.narrative import Certainty, Mention, Section, read, reader
from cds_service.narrative.fold import clean, fold
from cds_service.narrative.lexicon import regions

_PIECES = [
    "leiomyosarcoma", "dermal", "subcutaneous", "no evidence of", "margins", "clear", "deep",
    "11 mm", "history of", "mother", "cannot be excluded", "extends into", "subcutis", "FNCLCC 2",
    ".", ",", ";", ":", "?", "(", ")", "[ ]", "[x]", "___", "\n", "A.", "FINAL DIAGNOSIS:",
    "metastatic", "uterine", "residual", "biopsy", "FH", "variant", "R1", "left", "thigh",
    "<", "&lt;",
]  # fmt: skip
_MEDICAL = st.lists(st.sampled_from(_PIECES), max_size=25).map(" ".join)
_PLAIN_SENTENCES = [
    "Leiomyosarcoma of skin",
    "No evidence of leiomyosarcoma",
    "Dermal leiomyosarcoma, margins clear, nearest 11 mm",
    "Tumour does not extend into subcutis",
    "Deep margin: 0.3 cm, uninvolved",
    "Leiomyosarcoma cannot be excluded",
    "History of leiomyosarcoma",
    "Verdacht auf ein Leiomyosarkom der Haut",
]


def _says(text: str) -> list[tuple[str, str | float, Certainty, str | None, bool, str]]:
    return [
        (one.topic, one.value, one.certainty, one.detail, one.history, one.about)
        for one in read(text).mentions
    ]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Reading never fails, and every mention is one."""
    assert all(isinstance(mention, Mention) for mention in read(text).mentions)


@given(_MEDICAL)
@settings(max_examples=300)
def test_any_medical_text_is_read_the_same_twice(text: str) -> None:
    """Reading never fails on shuffled clinical words, and is deterministic."""
    assert read(text) == read(text)


@given(st.sampled_from(_PLAIN_SENTENCES))
def test_case_does_not_matter(text: str) -> None:
    """The same words in capitals say the same."""
    assert _says(text.upper()) == _says(text) == _says(text.lower())


@given(
    st.sampled_from(_PLAIN_SENTENCES),
    st.sampled_from(["Blood pressure is stable.", "The weather was fine.", "Sodium 140."]),
)
def test_an_unrelated_sentence_changes_nothing(text: str, other: str) -> None:
    """A sentence about something else, before or after, leaves the reading as it is."""
    assert _says(f"{text}. {other}") == _says(text) == _says(f"{other} {text}.")


@given(st.text(max_size=200))
def test_folding_keeps_positions(text: str) -> None:
    """A folded text has as many characters as the clean one, so that quotes can be cut from it."""
    shown = clean(text)
    assert len(fold(shown)) == len(shown)


def test_sections_and_parts() -> None:
    """A report's mentions carry the section and the specimen that they stand in."""
    report = (
        "CLINICAL HISTORY: ?leiomyosarcoma\n"
        "FINAL DIAGNOSIS:\n"
        "A. Skin, left thigh, excision:\n"
        "- Dermal leiomyosarcoma.\n"
        "B. Skin, back, excision:\n"
        "- Leiomyoma.\n"
        "COMMENT: The tumour does not extend into the subcutis.\n"
    )
    tumours = [(one.section, one.part, one.certainty) for one in read(report).of("tumour")]
    assert tumours == [
        (Section.CLINICAL, None, Certainty.UNCERTAIN),
        (Section.DIAGNOSIS, "A", Certainty.ASSERTED),
    ]
    assert [(one.part, one.value) for one in read(report).of("mimic")] == [("B", "leiomyoma")]
    assert [one.section for one in read(report).of("depth")][-1] is Section.COMMENT


def test_a_synoptic_report_is_read_as_fields() -> None:
    """Fields of a synoptic report give one value each, and stay in their section."""
    report = (
        "SYNOPTIC REPORT\nProcedure: Wide excision\nHistologic type: Leiomyosarcoma\n"
        "Depth of invasion: Subcutaneous tissue\nPeripheral margin: Uninvolved, 12 mm\n"
        "Deep margin: Uninvolved (0.4 cm)\nLymphovascular invasion: Not identified\n"
    )
    reading = read(report)
    assert {one.section for one in reading.mentions} == {Section.SYNOPTIC}
    assert [(one.value, one.detail) for one in reading.of("width")] == [
        (12.0, "peripheral"),
        (4.0, "deep"),
    ]
    assert [one.value for one in reading.of("depth")] == ["subcutaneous"]


def test_a_quote_is_the_sentence_as_written() -> None:
    """A mention quotes its sentence with its accents and capitals, white space collapsed."""
    text = "Rien d'autre. Léiomyosarcome  de la\n peau."
    assert read(text).of("tumour")[0].quote == "Léiomyosarcome de la peau."


def test_a_single_specimen_letter_is_no_part() -> None:
    """A report of one specimen does not name parts."""
    assert read("A. Skin, thigh: leiomyosarcoma").of("tumour")[0].part is None


def test_regions_form_a_tree() -> None:
    """Each region's parents are regions themselves and end at one without a parent."""
    tree = regions()
    assert tree["thigh"] == "lower limb"
    for region in tree:
        seen = [region]
        while (parent := tree[seen[-1]]) is not None:
            assert parent in tree
            assert parent not in seen
            seen.append(parent)


def test_a_huge_text_keeps_its_finding() -> None:
    """One finding in a megabyte of other text is found."""
    text = "Vital signs stable, nothing to report. " * 25_000 + "Dermal leiomyosarcoma of the back."
    assert ("depth", "dermal") in {(one.topic, one.value) for one in read(text).mentions}


def forget() -> None:
    """Forget every phrase and sentence that was read."""
    for known in (reader._remembered, reader._known_phrases, reader._said):  # noqa: SLF001
        known.cache_clear()


@given(
    st.lists(st.tuples(st.sampled_from(["", "Clinical history: ", "Family history: "]), _MEDICAL))
)
def test_what_is_remembered_says_the_same(parts: list[tuple[str, str]]) -> None:
    """A sentence that is known from other texts says what it says where it stands."""
    text = "\n".join(f"{heading}{words}" for heading, words in parts)
    forget()
    fresh = read(text)
    for _, words in parts:
        read(words)
        read(f"Leiomyosarcoma of skin. {words}")
    assert read(text) == fresh
    assert reader._read(text) == fresh  # noqa: SLF001 - short texts are remembered whole


def test_little_of_a_long_text_is_remembered() -> None:
    """Of long texts and long sentences, which are somebody's, nothing is kept."""
    forget()
    long = "Dermal leiomyosarcoma of the left thigh with clear margins " + "and so on " * 10
    read(long)
    read(f"{long}. Margins clear.")
    kept = [each.cache_info().currsize for each in (reader._remembered, reader._known_phrases)]  # noqa: SLF001
    assert kept == [0, 1]
