"""Whether a scrubbed case is answered as it was before."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cds_service.capture import offline
from cds_service.errors import ServiceError
from cds_service.guideline import Guideline
from cds_service.hooks import services
from cds_service.replay import cases
from cds_service.replay.local import Local
from cds_service.replay.outcome import Evaluation, Played, Result, topic
from cds_service.replay.play import play

Json = dict[str, Any]

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
#: What may differ on a card: dates, the chart's own words, references.
_MAY_DIFFER = (
    (re.compile(r"“[^”]*”"), "“”"),
    (re.compile(rf"\b(?:\d{{1,2}} )?(?:{_MONTH} )?(?:19|20|21)\d\d\b"), "D"),
    # A summary is cut where it is too long, which may be within a date.
    (re.compile(r"D(?: to D)?(?:,? (?:to )?[\w ]{0,9}…)?"), "D"),
    (re.compile(r"\*([A-Z][A-Za-z]+)/[^*]*\*"), r"*\1*"),
)
_KEPT = 8


class Judge:
    """Plays cases in this process."""

    def __init__(self, guideline: Guideline) -> None:
        """Take the guideline; the services of the last dates are kept."""
        self._guideline = guideline
        self._services: dict[dt.date, Local] = {}

    def play(self, body: Json, *, today: dt.date, expected: Json | None, name: str) -> Result:
        """Return what becomes of a chart or a request on a day.

        Raises :class:`cds_service.replay.client.ChartError` and
        :class:`cds_service.replay.cases.CaseError`.
        """
        case = replace(cases.of(body, name=name), expected=expected)
        return play(case, service=self._at, date=today)

    def answer(self, body: Json, *, today: dt.date) -> Json | None:
        """Return the whole answer to a request; None where no service has its hook."""
        at = self._at(today)
        for entry in at.discover():
            if entry["hook"] == body.get("hook"):
                return at.call(str(entry["id"]), body)[1]
        return None

    def _at(self, today: dt.date) -> Local:
        if today not in self._services:
            if len(self._services) >= _KEPT:
                del self._services[next(iter(self._services))]
            self._services[today] = Local(today, self._guideline)
        return self._services[today]


def without_server(body: Json) -> Json:
    """Return a request without its FHIR server: a replay must never ask one.

    One that is refused anyway is left as it is, because the server may be why.
    """
    service = next((one for one in services() if one.hook == body.get("hook")), None)
    try:
        if service:
            service.read(body)
    except ServiceError:
        return body
    return offline(body)


def differences(before: Result, after: Result) -> tuple[str, ...]:
    """Return where two results differ in more than dates, names and the chart's words."""
    old, new = dict(_told(before)), dict(_told(after))
    return tuple(name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name))


def _told(result: Result) -> Iterator[tuple[str, object]]:
    if result.evaluation:
        yield from _evaluated(result.evaluation)
    for played in result.played:
        yield from _played(played)


def _evaluated(said: Evaluation) -> Iterator[tuple[str, object]]:
    for name, state in said.topics.items():
        yield f"topics.{name}", {key: state.get(key) for key in ("state", "indicator", "rule")}
    yield "tumours", [(one["site"], one["depth"]) for one in said.tumours]
    yield "windows", [(one["depth"], one["status"]) for one in said.windows]
    yield "dropped", len(said.dropped or ())


def _played(played: Played) -> Iterator[tuple[str, object]]:
    at = f"hooks.{played.hook}"
    yield f"{at}.status", played.status
    yield f"{at}.conditions", len(played.conditions)
    yield f"{at}.cards", [(topic(card), card.get("indicator")) for card in played.cards]
    for card in played.cards:
        yield f"{at}.{topic(card)}.text", _masked(f"{card.get('summary')}\n{card.get('detail')}")
        suggestions = card.get("suggestions") or ()
        yield f"{at}.{topic(card)}.suggestions", [_masked(str(s.get("label"))) for s in suggestions]


def _masked(text: str) -> str:
    for pattern, mask in _MAY_DIFFER:
        text = pattern.sub(mask, text)
    return text
