import datetime as dt

import pytest

from cds_service.scrub.offset import Offset
from cds_service.scrub.textdates import TextDates

TODAY = dt.date(2026, 12, 1)
KNOWN = {dt.date(2026, 4, 3)}


def moved(text: str, days: int = -100) -> str:
    """Return a text with its dates moved."""
    taken: list[tuple[int, int, str]] = []
    for span in TextDates(Offset(days), today=TODAY, known=KNOWN).spans(text):
        if not any(span[0] < end and start < span[1] for start, end, _ in taken):
            taken.append(span)
    for start, end, new in sorted(taken, reverse=True):
        text = text[:start] + new + text[end:]
    return text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # ISO, compact, and with a time
        ("on 2026-06-10.", "on 2026-03-02."),
        ("2026/06/10 14:30", "2026/03/02 14:30"),
        ("2026-06-10T14:30:00Z", "2026-03-02T14:30:00Z"),
        ("20260610", "20260302"),
        ("20260610143000", "20260302143000"),
        ("2026-06-10/2026-06-12", "2026-03-02/2026-03-04"),
        # numbers: the day first, or the month, as the language or the chart has it
        ("operiert am 10.06.2026", "operiert am 02.03.2026"),
        ("am 1.2.26 und 12. 3. 2026", "am 24.10.25 und 02. 12. 2025"),
        ("seen on 6/25/2026", "seen on 3/17/2026"),
        ("seen on 25/6/2026", "seen on 17/3/2026"),
        ("the biopsy of 7/8/2026 was", "the biopsy of 3/30/2026 was"),
        ("the biopsy of 3/4/2026 was", "the biopsy of 24/12/2025 was"),
        ("6/25/26-6/27/26", "3/17/26-3/19/26"),
        ("6/25/2026-6/27/2026", "3/17/2026-3/19/2026"),
        ("seit 12.03. bekannt", "seit 02.12. bekannt"),
        # words, in seven languages
        ("June 10, 2026", "March 2, 2026"),
        ("June 10th, 2026 and 3rd of June", "March 2nd, 2026 and 23rd of February"),
        ("10 JUN 2026, 10-Jun-26", "2 MAR 2026, 2-Mar-26"),
        ("am 10. Juni 2026", "am 2. März 2026"),
        ("le 10 août 2026", "le 2 mai 2026"),
        ("el 10 de junio de 2026", "el 2 de marzo de 2026"),
        ("il 10 giugno 2026", "il 2 marzo 2026"),
        ("em 10 de junho de 2026", "em 2 de março de 2026"),
        ("op 10 juni 2026, de huid van het", "op 2 maart 2026, de huid van het"),
        # parts
        ("in June 2026", "in March 2026"),
        ("since 06/2026 and 2026-06", "since 03/2026 and 2026-03"),
        ("Kontrolle im Juni, die Haut", "Kontrolle im März, die Haut"),
        ("on 12 March", "on 2 December"),
        ("seen on 5/28, positive on 6/10 HPF", "seen on 2/17, positive on 6/10 HPF"),
        ("since 2019, 2019-2021", "since 2019, 2019-2021"),
    ],
)
def test_moved(old: str, new: str) -> None:
    """Dates move, in the form and the language in which they stand."""
    assert moved(old) == new


def test_years_move() -> None:
    """A year alone moves with its middle, in ranges as well."""
    assert moved("since 2019, 2019-2021 (2024)", -400) == "since 2018, 2018-2020 (2023)"


@pytest.mark.parametrize(
    "text",
    [
        "margin of 3 may suffice, 9 out of 10",
        "12.5 mm, 2.3 x 2.1 x 1.9 cm, 1.5. Ende, 12.10.8 mm",
        "8890/3, C44.5, S100, Ki-67 20%, CD34, 10/10 HPF, 2026 mm, 2000 ml",
        "NM_000143.4:c.2026G>A, 31/02/2026, 2026-13-01, 45/45/2026",
        "2 of 10 nodes, pT1 pN0, 0/12, 1/2/3",
        "in sets of three, the margin is 2 set",
    ],
)
def test_no_dates(text: str) -> None:
    """Measures, codes and words that look like dates stay as they are."""
    assert moved(text) == text
