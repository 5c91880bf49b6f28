"""What the structured elements say about who somebody is: to be found again in free text."""

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.chart.index import local
from cds_service.narrative.fold import clean, fold
from cds_service.scrub.vocabulary import WORD

Json = dict[str, Any]

#: Resources whose names are names, and references to which are displayed by them.
_NAMED = frozenset(
    {
        *("Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"),
        *("Organization", "Location", "HealthcareService", "CareTeam", "FamilyMemberHistory"),
    }
)
#: Elements that refer to people and places.
_PEOPLE = frozenset(
    {
        *(
            "subject",
            "patient",
            "performer",
            "asserter",
            "recorder",
            "author",
            "requester",
            "actor",
        ),
        *("individual", "participant", "serviceProvider", "managingOrganization", "collector"),
        *("generalPractitioner", "careProvider", "resultsInterpreter", "recipient", "location"),
        *(
            "informationSource",
            "organization",
            "practitioner",
            "custodian",
            "interpreter",
            "signer",
        ),
        *(
            "dispenser",
            "enterer",
            "evaluator",
            "orderer",
            "attester",
            "reporter",
            "sender",
            "owner",
        ),
        *("member", "hospitalization", "onBehalfOf", "authorReference", "supportingInfo"),
    }
)
_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_IDS = frozenset({"id", "reference", "userId", "patientId", "encounterId"})
_ADDRESS_KEYS = ("line", "city", "district", "state", "text")
#: Words of names that name nobody.
_TITLES = frozenset(
    {
        *("dr", "prof", "md", "phd", "mr", "mrs", "ms", "miss", "herr", "frau", "med", "univ"),
        *("jr", "sr", "iii", "rn", "np", "mba", "msc", "bsc", "dipl", "ing", "von", "van", "der"),
        *("den", "del", "della", "des", "dos", "the", "and", "und", "for", "zur", "zum"),
        *("unknown", "anonymous", "patient"),
    }
)
#: Words of places and organisations that name none.
_PLACES = frozenset(
    {
        *("hospital", "clinic", "clinica", "klinik", "klinikum", "krankenhaus", "spital", "center"),
        *("centre", "medical", "university", "universitat", "universitatsklinikum", "institut"),
        *(
            "institute",
            "department",
            "dept",
            "general",
            "health",
            "laboratory",
            "labor",
            "practice",
        ),
        *("praxis", "street", "strasse", "road", "avenue", "lane", "drive", "rue", "via", "calle"),
        *("apt", "unit", "suite", "floor", "north", "south", "east", "west", "home", "work"),
    }
)
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
_LEAST_WORD, _LEAST_NUMBER = 2, 4
#: Shorter ids ("dx", "2026") are words and numbers, too.
_LEAST_ID, _LEAST_DIGITS = 5, 6
_DIGITS = re.compile(r"\d")


@dataclass(slots=True)
class Identity:
    """Words and numbers that identify. ``words`` are folded; ``numbers`` are as they stand."""

    words: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    #: Texts that are taken out whole, wherever they stand.
    phrases: set[str] = field(default_factory=set)
    #: The values of DiagnosticReport.identifier, by which reports are told apart.
    reports: set[str] = field(default_factory=set)
    #: The full dates of structured elements.
    dates: set[dt.date] = field(default_factory=set)

    def add(self, value: object) -> None:
        """Take what identifies from any JSON: resources, Bundles, requests."""
        self._walk(value, "", "")

    def _walk(self, value: object, key: str, kind: str) -> None:
        if isinstance(value, list):
            for item in value:
                self._walk(item, key, kind)
        elif isinstance(value, dict):
            self._object(value, key, str(value.get("resourceType", kind)))
        elif isinstance(value, str):
            self._text(value, key, kind)

    def _object(self, value: Json, key: str, kind: str) -> None:
        display = value.get("display")
        if isinstance(display, str) and _is_person(value, key):
            self.name(display, but=_PLACES)
        if "maidenname" in str(value.get("url", "")).lower():
            self.name(str(value.get("valueString", "")))
        if key.lower().endswith("identifier"):
            self.number(value.get("value"))
            if kind == "DiagnosticReport" and isinstance(value.get("value"), str):
                self.reports.add(value["value"].strip())
        elif key in {"telecom", "valueContactPoint", "contact"}:
            self.phrase(value.get("value"))
        elif key in {"address", "valueAddress"}:
            self._address(value)
        elif key == "valueHumanName" or (key == "name" and kind in _NAMED):
            for text in (text for part in _NAME_PARTS for text in _texts(value.get(part))):
                self.name(text)
        for name, item in value.items():
            self._walk(item, name, kind)

    def _text(self, value: str, key: str, kind: str) -> None:
        if key == "authorString" or (key in {"name", "alias"} and kind in _NAMED):
            self.name(value, but=_PLACES)
        elif key in _IDS:
            self._id(local(value).rpartition("/")[2])
        elif re.fullmatch(r"\d{4}-\d\d-\d\d.*", value[:64], re.DOTALL):
            try:
                self.dates.add(dt.date.fromisoformat(value[:10]))
            except ValueError:
                return

    def _address(self, value: Mapping[str, Any]) -> None:
        for name in _ADDRESS_KEYS:
            for text in _texts(value.get(name)):
                self.name(text, but=_PLACES)
                if name == "line":
                    self.phrase(text)
        self.phrase(value.get("postalCode"))

    def name(self, text: str, *, but: Collection[str] = ()) -> None:
        """Take the words of a name, but for titles and these."""
        for word in WORD.findall(clean(text)):
            if is_unspaced(word):
                self.phrases.add(word)
            for form in spellings(word):
                if len(form) >= _LEAST_WORD and form not in _TITLES and form not in but:
                    self.words.add(form)

    def number(self, value: object) -> None:
        """Take an identifier: one that has digits and is long enough to be one."""
        text = value.strip() if isinstance(value, str) else ""
        if len(text) >= _LEAST_NUMBER and _DIGITS.search(text):
            self.numbers.add(text)

    def _id(self, text: str) -> None:
        least = _LEAST_DIGITS if text.isdecimal() else _LEAST_ID
        if len(text) >= least and _DIGITS.search(text):
            self.numbers.add(text)

    def phrase(self, value: object) -> None:
        """Take a text that is taken out as it is."""
        text = value.strip() if isinstance(value, str) else ""
        if len(text) >= _LEAST_NUMBER:
            self.phrases.add(text)


def is_unspaced(text: str) -> bool:
    """Return whether a text is of a script that puts no spaces between words."""
    return any(unicodedata.name(char, "").startswith(_UNSPACED) for char in text)


def spellings(word: str) -> tuple[str, ...]:
    """Return a word folded, and as it is written without umlauts: Müller, Muller, Mueller."""
    lowered = word.lower()
    written = lowered
    for letter, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ø", "oe"),
                            ("å", "aa"), ("æ", "ae")):  # fmt: skip
        written = written.replace(letter, letters)
    return tuple(dict.fromkeys((fold(lowered), fold(written))))


def _is_person(value: Json, key: str) -> bool:
    named = value.get("type")
    reference = value.get("reference")
    if isinstance(reference, str):
        named = local(reference).partition("/")[0]
    return key in _PEOPLE or (isinstance(named, str) and named in _NAMED)


def _texts(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, str):
            yield item
