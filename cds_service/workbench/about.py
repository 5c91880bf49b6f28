"""What a hook can be about: Conditions that are entered, or orders that are chosen or signed."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from cds_service import chart, terminology
from cds_service.chart.orders import TYPES
from cds_service.guideline import Guideline, Suggestion
from cds_service.hooks.orders import topics_of
from cds_service.replay.client import Json, Store

#: The id of an order that the guideline knows and no chart holds begins so.
_DRAFT = "draft-"
_NO_BRACKETS = str.maketrans("", "", "[]")


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that a hook can be about, and whether it is."""

    reference: str
    label: str
    resource: Json
    chosen: bool


def conditions(store: Store, wanted: Collection[str], usual: Collection[str]) -> tuple[Choice, ...]:
    """Return the chart's Conditions; where none of them is wanted, the usual are chosen."""
    return _choices(_held(store, ("Condition",)), wanted, usual)


def orders(
    store: Store, wanted: Collection[str], *, patient_id: str, guideline: Guideline
) -> tuple[Choice, ...]:
    """Return the chart's orders, and drafts of those that the guideline speaks of.

    Where none is wanted, the chart's drafts are chosen, or the first order there is.
    """
    held = _held(store, sorted(TYPES))
    drafts = [key for key, item in held.items() if item.get("status") == "draft"]
    known = held | {
        f"ServiceRequest/{order['id']}": order for order in _offered(guideline, patient_id)
    }
    return _choices(known, wanted, drafts or tuple(known)[:1])


def collection(resources: Collection[Json]) -> Json:
    """Return resources as the Bundle of a hook's context."""
    entry = [{"resource": item} for item in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entry}


def _held(store: Store, kinds: Collection[str]) -> dict[str, Json]:
    found = (item for kind in kinds for item in store.of_type(kind) if "id" in item)
    return {f"{item['resourceType']}/{item['id']}": item for item in found}


def _choices(
    known: dict[str, Json], wanted: Collection[str], usual: Collection[str]
) -> tuple[Choice, ...]:
    chosen = set(wanted) & set(known) or set(usual)
    return tuple(Choice(key, label(item), item, key in chosen) for key, item in known.items())


def _offered(guideline: Guideline, patient_id: str) -> Iterator[Json]:
    """Yield drafts of the guideline's suggestions that an order hook speaks of."""
    for item in guideline.suggestions.values():
        order = _draft(item, guideline, patient_id)
        read = chart.drafts(collection([order]), patient_id=patient_id, today=dt.date.min)
        if topics_of(read.orders, guideline):
            yield order


def _draft(item: Suggestion, guideline: Guideline, patient_id: str) -> Json:
    words = {**guideline.words["placeholder"], "tumour": "cutaneous leiomyosarcoma"}
    code: dict[str, Any] = {"text": guideline.fill(item.text, **words).translate(_NO_BRACKETS)}
    if item.code:
        display = terminology.load().display(*item.code)
        coding = {"system": item.code[0], "code": item.code[1], "display": display}
        code["coding"] = [{name: value for name, value in coding.items() if value}]
    return {
        "resourceType": "ServiceRequest",
        "id": f"{_DRAFT}{item.id}",
        "status": "draft",
        "intent": "order",
        "code": code,
        "subject": {"reference": f"Patient/{patient_id}"},
    }


def label(resource: Json) -> str:
    """Return what a resource is about in its own words, its type where it has none."""
    return next(_texts(resource), str(resource.get("resourceType")))


def _texts(resource: Json) -> Iterator[str]:
    for name in ("code", "medicationCodeableConcept", "serviceRequested", "type"):
        concept = resource.get(name)
        if not isinstance(concept, dict):
            continue
        codings = concept.get("coding")
        parts = [c for c in (codings if isinstance(codings, list) else ()) if isinstance(c, dict)]
        said = (concept.get("text"), *(c.get(key) for key in ("display", "code") for c in parts))
        yield from (text for text in said if isinstance(text, str) and text.strip())
