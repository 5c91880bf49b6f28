"""FamilyMemberHistory: relatives, what they had, and how old they were."""

from collections.abc import Mapping

from cds_service.chart import dates
from cds_service.chart.elements import Json, Source, boolean, concept, notes, objects, token
from cds_service.facts import FamilyCondition, PartialDate, Relative

_DAYS_PER_YEAR = 365.2425


def read(source: Source, resource: Mapping[str, Json], **_: object) -> Relative | None:
    """Return the relative; None (and a report) where it was an error or says "not done"."""
    status = token(source, resource.get("status"), "status")
    if status == "entered-in-error":
        source.drop("was entered in error")
        return None
    if boolean(source, resource.get("notDone"), "notDone"):  # STU3
        source.drop("says that the history was not taken")
        return None
    born = dates.moment(source, resource, "born")
    return Relative(
        reference=source.reference,
        notes=notes(source, resource.get("note"), "note"),
        relationship=concept(source, resource.get("relationship"), "relationship"),
        conditions=tuple(
            _condition(source, item, born)
            for item in objects(source, resource.get("condition"), "condition")
        ),
        date=dates.date(source, resource.get("date"), "date"),
    )


def _condition(
    source: Source, item: Mapping[str, Json], born: PartialDate | None
) -> FamilyCondition:
    years, words = dates.age(source, item, "onset")
    if years is None and words is None and born:
        onset = dates.span(source, item.get("onsetPeriod"), "condition.onsetPeriod")
        start = (onset.start or onset.end) if onset else None
        if start and start.last >= born.first:
            # The oldest that the dates allow: "before 40" must hold for all of it.
            years = float(int((start.last - born.first).days / _DAYS_PER_YEAR))
    return FamilyCondition(
        code=concept(source, item.get("code") or item.get("type"), "condition.code"),
        onset_age=years,
        onset_text=words,
        deceased_of=boolean(source, item.get("contributedToDeath"), "condition.contributedToDeath")
        is True,
        notes=notes(source, item.get("note"), "condition.note"),
    )
