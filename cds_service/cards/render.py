"""One card a topic: summary, detail, suggestions, override reasons, links."""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from cds_service import terminology
from cds_service.cards import text
from cds_service.cards.wording import Wording
from cds_service.clinical.plan import Advice, Topic, TopicAdvice
from cds_service.guideline import Guideline
from cds_service.protocol.card import (
    SUMMARY_LIMIT,
    Action,
    Card,
    Coding,
    Link,
    Source,
    Suggestion,
)

_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


def new_uuid() -> str:
    """Return a fresh UUID."""
    return str(uuid.uuid4())


def render(
    advice: Sequence[TopicAdvice],
    *,
    guideline: Guideline,
    base_url: str,
    patient_id: str,
    cut: Sequence[Topic] = (),
    make_uuid: Callable[[], str] = new_uuid,
) -> tuple[Card, ...]:
    """Return a card for each advice, in the order given.

    ``base_url`` is the service's public address, for links; ``patient_id`` the subject of
    what a suggestion proposes; ``cut`` names topics that had no room: the last card says so.
    """
    factory = _Factory(guideline, base_url.rstrip("/"), patient_id, make_uuid)
    last = len(advice) - 1
    return tuple(
        factory.card(item, cut if index == last else ()) for index, item in enumerate(advice)
    )


class _Factory:
    def __init__(
        self, guideline: Guideline, base: str, patient_id: str, make_uuid: Callable[[], str]
    ) -> None:
        self._guideline = guideline
        self._base = base
        self._patient = f"Patient/{patient_id}"
        self._uuid = make_uuid
        self._wording = Wording(guideline)

    def card(self, advice: TopicAdvice, cut: Iterable[Topic]) -> Card:
        info = self._guideline.topics[advice.topic]
        parts = [part for part in advice.parts if part.state != "silent"]
        suggestions = tuple(self._suggestions(parts))
        return Card(
            uuid=self._uuid(),
            summary=self._summary(parts),
            indicator=advice.indicator,
            detail=self._wording.detail(parts, cut),
            source=Source(
                label=self._guideline.meta["card_label"],
                url=f"{self._base}/guideline/?version={self._guideline.version}"
                f"&valuesets={terminology.load().version}",
                topic=Coding(advice.topic, self._guideline.meta["topic_system"], info.title),
            ),
            suggestions=suggestions,
            selection_behavior="any" if suggestions else None,
            override_reasons=tuple(
                Coding(reason.code, reason.system, reason.display)
                for reason in self._guideline.overrides[advice.topic]
            ),
            links=tuple(self._links(parts, info.title)),
        )

    def _summary(self, parts: Sequence[Advice]) -> str:
        summary = self._wording.summary(parts[0])
        if len(parts) > 1:
            more = self._guideline.words["line"]["more"]
            room = SUMMARY_LIMIT - 1 - len(more.format(summary="", count=len(parts) - 1))
            return more.format(summary=text.shortened(summary, room), count=len(parts) - 1)
        return text.shortened(summary, SUMMARY_LIMIT - 1)

    def _links(self, parts: Iterable[Advice], title: str) -> Iterator[Link]:
        label = self._guideline.words["line"]["link"].format(title=title)
        for rule in dict.fromkeys(part.rule for part in parts):
            yield Link(label=label, url=f"{self._base}/guideline/{rule}")

    def _suggestions(self, parts: Iterable[Advice]) -> Iterator[Suggestion]:
        offered: set[str] = set()
        for part in parts:
            rule = self._guideline.rules[part.rule]
            for index, key in enumerate(part.suggestions):
                order = self._wording.suggestion(key, part)
                if order in offered:
                    continue
                offered.add(order)
                recommended = index == 0 and rule.recommended and part.state == "act"
                yield Suggestion(
                    uuid=self._uuid(),
                    label=self._guideline.suggestions[key].label,
                    is_recommended=True if recommended else None,
                    actions=(
                        Action(
                            type="create",
                            description=order,
                            resource=self._order(key, order, part),
                        ),
                    ),
                )

    def _order(self, key: str, order: str, part: Advice) -> dict[str, Any]:
        """Return the proposal as a FHIR R4 ServiceRequest; the protocol layer validates it."""
        code: dict[str, Any] = {"text": order}
        known = self._guideline.suggestions[key].code
        if known:
            display = terminology.load().display(*known)
            coding = {"system": known[0], "code": known[1], "display": display}
            code["coding"] = [{name: value for name, value in coding.items() if value}]
        resource: dict[str, Any] = {
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": "proposal",
            "code": code,
            "subject": {"reference": self._patient},
        }
        conditions = [
            reference for reference in self._reasons(part) if _REFERENCE.fullmatch(reference)
        ]
        if conditions:
            resource["reasonReference"] = [{"reference": conditions[0]}]
        return resource

    def _reasons(self, part: Advice) -> Iterator[str]:
        if part.tumour:
            yield from part.tumour.conditions
        else:
            yield from (f.reference for f in part.facts if f.reference.startswith("Condition/"))
