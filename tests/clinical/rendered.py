"""A plan as a few lines of text, complete: what changes in a plan changes in its lines."""

from collections.abc import Iterable, Iterator

from cds_service.clinical.plan import Advice, Event, Fact, Plan, TopicAdvice, Tumour, Window


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield a plan: its tumours, the facts of all advice with a number, and each advice."""
    every = [fact for advice in plan.advice for part in advice.parts for fact in _facts(part)]
    numbers = {fact: number for number, fact in enumerate(dict.fromkeys(every), 1)}
    yield f"{plan.today}"
    for tumour, course in zip(plan.tumours, plan.courses, strict=True):
        yield _tumour(tumour)
        yield from map(_event, course)
    for fact, number in numbers.items():
        yield f"{number}. {_fact(fact)}"
    for advice in plan.advice:
        yield from _topic(advice, numbers)
    for issue in plan.set_aside:
        yield f"set aside: {issue.where} ({issue.effect}): {issue.reason}"


def _facts(part: Advice) -> tuple[Fact, ...]:
    return (*part.facts, *(fact for _, fact in part.ordered))


def _tumour(tumour: Tumour) -> str:
    return "tumour: " + _joined(
        tumour.site or "nowhere",
        tumour.depth,
        tumour.name,
        tumour.level,
        " ".join(tumour.conditions),
        "by text" if tumour.by_text else "",
        "history" if tumour.history else "",
        f"from {tumour.t0}" if tumour.t0 else "",
    )


def _event(event: Event) -> str:
    return "  event: " + _joined(
        event.kind,
        f"{event.date}",
        f"begun {event.begun}" if event.begun else "",
        " ".join(fact.reference for fact in event.facts),
        f"margin {event.margin}" if event.margin else "",
        f"{'<' if event.below else ''}{event.width:g} mm" if event.width is not None else "",
        " ".join(fact.reference for fact in event.margin_facts),
    )


def _fact(fact: Fact) -> str:
    when = f", {fact.date}" if fact.date else ""
    return f"{fact.reference} {fact.label}: {fact.text!r}{when}"


def _topic(advice: TopicAdvice, numbers: dict[Fact, int]) -> Iterator[str]:
    several = len(advice.parts) > 1
    if several:
        yield f"{advice.topic}: {advice.state}, {advice.indicator}"
    for part in advice.parts:
        values = {k: v for k, v in part.values.items() if k != "minimum" or part.topic == "margin"}
        yield ("  " if several else "") + _joined(
            f"{part.state} {part.rule}" + (" (warning)" if part.indicator == "warning" else ""),
            part.tumour.site if part.tumour and several else "",
            _listed("facts", (numbers[fact] for fact in part.facts)),
            _listed("missing", part.missing),
            _listed("unread", part.unread),
            _listed("remarks", part.remarks),
            _listed("offered", part.suggestions),
            _listed("ordered", (f"{key} {numbers[fact]}" for key, fact in part.ordered)),
            _listed("left out", sorted(part.left_out)),
            *(f"{name} = {_value(value)}" for name, value in sorted(values.items())),
            *map(_window, part.windows),
        )


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _window(window: Window) -> str:
    return (
        f"{window.depth} {window.status}: {window.minimum_months}-{window.maximum_months} months "
        f"after {window.start} ({window.elapsed_months}), "
        f"{window.earliest} to {window.latest} or {window.lenient_latest}"
    )


def _listed(name: str, items: Iterable[object]) -> str:
    text = " ".join(map(str, items))
    return f"{name} {text}" if text else ""


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
