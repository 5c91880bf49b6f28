import datetime as dt
import time
from typing import Any

import pytest

from cds_service.scrub.identity import Identity
from cds_service.scrub.offset import Offset
from cds_service.scrub.text import Text
from cds_service.scrub.textdates import TextDates

PATIENT = {
    "resourceType": "Patient",
    "id": "pat-88812",
    "name": [{"family": "Müller-Long", "given": ["Jürgen", "Li"], "text": "Jürgen Müller-Long"}],
    "identifier": [{"value": "MRN12345"}],
    "address": [{"line": ["Lange Gasse 5"], "city": "Essen", "postalCode": "45127"}],
    "telecom": [{"value": "juergen@example.org"}, {"value": "0201 99 88 77"}],
    "contact": [{"name": {"family": "Okonkwo", "given": ["Ada"]}}, {"name": {"text": "王秀英"}}],
    "generalPractitioner": [{"reference": "Practitioner/1", "display": "Dr. Anna Zweig"}],
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
            "valueString": "Fehrenbach",
        }
    ],
}
REPORT = {
    "resourceType": "DiagnosticReport",
    "identifier": [{"value": "H26/4711"}],
    "performer": [{"display": "Institut Rosenquist"}],
    "note": [{"authorString": "Quentin Tarr", "text": "seen"}],
    "result": [{"reference": "Observation/1", "display": "Tumour grade"}],
}


@pytest.fixture(scope="module")
def identity() -> Identity:
    """Return what two resources say about a patient."""
    found = Identity()
    found.add([PATIENT, REPORT])
    return found


@pytest.fixture
def scrub(identity: Identity) -> Text:
    """Return the scrubber of the patient's texts; dates move by a day."""
    dates = TextDates(Offset(-1), today=dt.date(2026, 12, 1))
    return Text(identity, dates, renamed={"H26/4711": "id-0001"})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        # names of structured elements, however they are written
        ("Jürgen Müller-Long came", "Xxxx Xxxx-Xxxx came"),
        ("MÜLLER, JÜRGEN; mueller; Muller's wife", "Xxxx, Xxxx; Xxxx; Xxxx's wife"),
        ("Herrn Müllers Haut", "Herrn Xxxx Haut"),
        ("J. Müller", "Xxxx"),
        ("Ada Okonkwo, Fehrenbach, Rosenquist, Tarr", "Xxxx Xxxx, Xxxx, Xxxx, Xxxx"),
        ("in Essen, Lange Gasse 5, 45127", "in Xxxx, Xxxx, Xxxx"),
        ("J&uuml;rgen, M\u00fcl\u00adler, Mu\u0308ller <b>Okonkwo</b>", "Xxxx, Xxxx, Xxxx  Xxxx "),
        ("患者王秀英来院", "患者Xxxx来院"),
        # a name that is a word of medicine, too, and one of two letters
        ("a long incision, long bone", "a long incision, long bone"),
        ("Mr Long, Jürgen Long", "Mr Xxxx, Xxxx Xxxx"),
        ("the li of it, Jürgen Li", "the li of it, Xxxx Xxxx"),
        # identifiers of structured elements
        ("MRN12345, mrn12345, pat-88812", "Xxxx, Xxxx, Xxxx"),
        ("see report H26/4711", "see report id-0001"),
        ("juergen@example.org, 0201 99 88 77", "Xxxx, Xxxx"),
        # the display of what is no person stays
        ("Tumour grade 1", "Tumour grade 1"),
    ],
)
def test_what_the_chart_names(scrub: Text, text: str, kept: str) -> None:
    """Names and numbers of structured elements are taken out of texts, too."""
    assert scrub(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("seen by Dr. Jane Q. Roe today", "seen by Dr. Xxxx today"),
        ("Prof. Dr. med. Hans von der Heide", "Prof. Dr. med. Xxxx"),
        ("Frau Schmidt-Berg hat", "Frau Xxxx hat"),
        ("el Sr. García López y", "el Sr. Xxxx y"),
        ("Mme Dupont; Sig.ra Bianchi; Mevr. de Vries", "Mme Xxxx; Sig.ra Xxxx; Mevr. Xxxx"),
        ("Patient: Jane Doe. Skin", "Patient: Xxxx. Skin"),
        ("Patient: 54-year-old woman", "Patient: 54-year-old woman"),
        ("NAME: DOE^JANE", "NAME: Xxxx"),
        ("Name: Roe Diagnosis: sarcoma", "Name: Xxxx Diagnosis: sarcoma"),
        ("Surgeon: Excision performed", "Surgeon: Excision performed"),
        ("Electronically signed by Ann Smith, MD on", "Electronically signed by Xxxx, MD on"),
        ("Ann Smith, M.D.", "Xxxx, M.D."),
        ("St. Mary Hospital, Klinikum Fulda", "Xxxx, Klinikum Xxxx"),
        ("Dermatology Clinic, Sarcoma Clinic", "Dermatology Clinic, Sarcoma Clinic"),
        ("12 Main Street, Springfield, IL 62704", "Xxxx, Xxxx"),
        ("Bahnhofstraße 12a, D-50667 Köln", "Xxxx, Xxxx"),
        ("rue de la Paix 5, via Garibaldi 7", "Xxxx, Xxxx"),
        ("geb. Kowalski", "geb. Xxxx"),
        ("MERCY GENERAL HOSPITAL, at St. Luke's", "Xxxx, at St. Xxxx"),
        ("Drs. Chen and Osei", "Drs. Xxxx"),
        ("1200 N. Elm St, Im Neuenheimer Feld 224, x", "Xxxx, Im Xxxx, x"),
        ("Ordering Physician: Robert J. Kowal, M.D.", "Ordering Physician: Xxxx, M.D."),
    ],
)
def test_people_and_places(scrub: Text, text: str, kept: str) -> None:
    """What stands around a name tells one that no structured element has."""
    assert scrub(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("jane@example.com https://x.org/a?b=1 www.y.org", "Xxxx Xxxx Xxxx"),
        ("MRN: 0012345, Accession # S-99812", "MRN: X0000, Accession # X0000"),
        (
            "Fallnummer 99812/26, Histologie-Nr. E/2026/0815",
            "Fallnummer X0000, Histologie-Nr. X0000",
        ),
        ("S26-12345, 26-S-00123, B/26/4711", "X0000, X0000, X0000"),
        ("SSN 123-45-6789, 078-05-1120", "SSN X0000, X0000"),
        ("Tel. 0201/123456, fax (555) 123-4567", "Tel. X0000, fax X0000"),
        ("+49 (0)30 1234567, 555-123-4567", "X0000, X0000"),
        ("number 12345678", "number X0000"),
        ("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "X0000"),
        ("Bearer abc123xyz, key 0123456789abcdef0123456789abcdef", "Bearer (removed), key X0000"),
        ("from 10.1.2.3", "from Xxxx"),
        ("a 93-year-old, aged 101, 89 years", "a 90-year-old, aged 90, 89 years"),
        ("92 Jahre alt, 95 anni", "90 Jahre alt, 90 anni"),
    ],
)
def test_numbers(scrub: Text, text: str, kept: str) -> None:
    """Identifiers, telephones, addresses of the net and ages above 89 are taken out."""
    assert scrub(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Skin, left thigh: dermal leiomyosarcoma, FNCLCC grade 1, 12 mm. Margins clear, 0.5 cm.",
        "ICD-O 8890/3, C44.5, S100 negative, SMA +, Ki-67 20 %, CD34, 10/10 HPF, pT1a pN0 cM0",
        "FH c.1189G>A (p.Gly397Arg), NM_000143.4, rs121913118; 8 of 12 nodes; 3-0 nylon",
        "Haut, rechter Oberschenkel: Leiomyosarkom der Dermis, Resektionsränder frei, 11 mm.",
        "Piel del hombro: leiomiosarcoma dérmico. Márgenes libres a 4 mm. 95 % de células",
        "aged 54 and 100 mm, 92 %, no 90 degree turn",
        "Seen via Garibaldi approach. Dr. reviewed. Patient: Skin, left thigh",
    ],
)
def test_medicine_stays(scrub: Text, text: str) -> None:
    """What decides stays word for word."""
    assert scrub(text) == text


def test_words_to_look_over(scrub: Text) -> None:
    """Words that are neither known nor recognised are counted, for a person to look over."""
    scrub("Leiomyosarcoma of the skin. Wojciech was there, Wojciech and Jürgen.")
    assert scrub.unknown["wojciech"] == 2
    assert not {"leiomyosarcoma", "skin", "jurgen", "xxxx"} & scrub.unknown.keys()


def test_strict(identity: Identity) -> None:
    """Strictly, only what the service knows is kept of a text."""
    dates = TextDates(Offset(-1), today=dt.date(2026, 12, 1))
    scrub = Text(identity, dates, renamed={}, strict=True)
    text = scrub("Wojciech Kowalewski: dermal leiomyosarcoma, margins clear, 11 mm.")
    assert text == "xxx xxx: dermal leiomyosarcoma, margins clear, 11 mm."


@pytest.mark.parametrize(
    "piece", ["Ann Smith ", "1 2 3 ", "Dr. ", "A" * 50, "(+49 ", "de la ", "1."]
)
def test_long_texts(scrub: Text, piece: str) -> None:
    """The longest text that is read is scrubbed in seconds, whatever stands in it."""
    text = (piece * 200_000)[:60_000]
    begun = time.process_time()
    scrub(text)
    assert time.process_time() - begun < 10


def test_identity_is_no_medicine() -> None:
    """Words of codes, and the displays of records, are no names."""
    found = Identity()
    condition: dict[str, Any] = {
        "resourceType": "Condition",
        "code": {"coding": [{"display": "Leiomyosarcoma"}], "text": "Sarcoma of the back"},
        "evidence": [{"detail": [{"reference": "Observation/1", "display": "Margin status"}]}],
        "stage": [{"assessment": [{"display": "Dermis"}]}],
    }
    found.add(condition)
    assert found.words == set()
