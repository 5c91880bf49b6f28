"""Reading guideline.toml, with every mistake named by its place."""

import functools
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from string import Formatter
from types import SimpleNamespace
from typing import Any, TypeVar

from cds_service.guideline.model import (
    DEPTH_KEYS,
    About,
    Examination,
    Guideline,
    Match,
    OrderMatch,
    OverrideReason,
    Policy,
    Rule,
    Statement,
    Suggestion,
    TopicInfo,
    Use,
    named,
)
from cds_service.guideline.numbers import read as read_numbers

Item = TypeVar("Item")

_ABOUT_LISTS = ("limits", "out_of_scope")
_STATES = dict.fromkeys(("act", "withheld", "inform", "done", "silent"))
_INDICATORS = dict.fromkeys(("info", "warning"))
HL7_REASONS = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"


class GuidelineError(ValueError):
    """The guideline data cannot be used; the message says where and why."""


@functools.cache
def load() -> Guideline:
    """Return the guideline that the package ships."""
    text = resources.files(__package__).joinpath("guideline.toml").read_text("utf-8")
    return loads(text)


def loads(text: str) -> Guideline:
    """Return the guideline that a TOML text holds.

    Raises :class:`GuidelineError` where the text is not TOML, a table lacks what it needs,
    or something refers to what is not there.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise GuidelineError(f"The guideline is not valid TOML: {error}") from error
    guideline = _guideline(data)
    _check(guideline)
    return guideline


def _guideline(data: Mapping[str, Any]) -> Guideline:
    policy = _each(data, "policy", _policy)
    statements = _each(data, "statements", _statement)
    meta = _table(data, "meta")

    own = named(statements, policy)

    def filled(_: str, table: Mapping[str, str]) -> dict[str, str]:
        return {key: text.format_map(_Later(own)) for key, text in table.items()}

    def overrides(_: str, entries: list[Mapping[str, Any]]) -> tuple[OverrideReason, ...]:
        return tuple(_override(entry, meta["override_system"]) for entry in entries)

    suggestions = _each(data, "suggestions", _suggestion)

    def order(_: str, table: Mapping[str, Any]) -> OrderMatch:
        return _order(table, suggestions)

    return Guideline(
        meta=meta,
        about=_about(_table(data, "about"), {**own, "meta": SimpleNamespace(**meta)}),
        certainty=_table(data, "certainty"),
        statements=statements,
        policy=policy,
        rules=_each(data, "rules", _rule),
        topics=_each(data, "topics", _topic),
        suggestions=suggestions,
        examinations=_each(data, "examinations", _examination),
        matches=_each(data, "matches", _match),
        orders=_each(data, "orders", order),
        overrides=_each(data, "overrides", overrides),
        words=_each(data, "words", filled),
    )


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name)
    if not isinstance(table, Mapping):
        raise GuidelineError(f"The guideline data lacks the table [{name}].")
    return table


def _each(data: Mapping[str, Any], name: str, make: Callable[[str, Any], Item]) -> dict[str, Item]:
    """Return what ``make`` makes of each entry of a table; a mistake is named by its entry."""
    made = {}
    for key, entry in _table(data, name).items():
        try:
            made[key] = make(key, entry)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise GuidelineError(
                f"{name}.{key} is incomplete or wrong: {type(error).__name__} {error}"
            ) from error
    return made


def _about(table: Mapping[str, Any], values: Mapping[str, object]) -> About:
    def said(text: str) -> str:
        return text.format_map(values)

    def use(key: str, entry: Mapping[str, Any]) -> Use:
        if not isinstance(entry["used"], bool):
            raise TypeError("used must be true or false")
        return Use(key, entry["title"], entry["used"], said(entry["how"]))

    uses = tuple(_each({"about.uses": table.get("uses")}, "about.uses", use).values())
    try:
        parts: dict[str, Any] = {
            key: _sentences(key, value, said) for key, value in table.items() if key != "uses"
        }
        return About(**parts, uses=uses)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise GuidelineError(
            f"about is incomplete or wrong: {type(error).__name__} {error}"
        ) from error


def _sentences(key: str, value: object, said: Callable[[str], str]) -> str | tuple[str, ...]:
    several = key in _ABOUT_LISTS
    if not isinstance(value, list if several else str):
        raise TypeError(f"{key} must be {'a list of sentences' if several else 'a sentence'}")
    return tuple(map(said, value)) if isinstance(value, list) else said(str(value))


class _Later(dict[str, object]):
    """Leaves the names that a card fills in as they stand."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def _statement(key: str, table: Mapping[str, Any]) -> Statement:
    numbers = read_numbers(table.get("numbers", {}))
    written = {name: f"{value:g}" for name, value in numbers.items()}
    return Statement(
        id=key,
        text=table["text"].format_map(written),
        numbers=numbers,
        cited_as=tuple(table["cited_as"]),
        verified_source=table["verified_source"],
        caveat=table.get("caveat", "").format_map(written),
        certainty=table["certainty"],
    )


def _policy(key: str, table: Mapping[str, Any]) -> Policy:
    numbers = {name: value for name, value in table.items() if name != "reason"}
    return Policy(key, table["reason"], read_numbers(numbers))


def _rule(key: str, table: Mapping[str, Any]) -> Rule:
    def by_depth(name: str) -> dict[str, tuple[str, ...]]:
        return {depth: tuple(ids) for depth, ids in table.get(name, {}).items()}

    return Rule(
        id=key,
        topic=table["topic"],
        state=table["state"],
        when=table["when"],
        indicator=table.get("indicator", "info"),
        summary=table.get("summary", ""),
        advice=table.get("advice", ""),
        statements=tuple(table.get("statements", ())),
        by_depth=by_depth("by_depth"),
        caveats=tuple(table.get("caveats", ())),
        caveats_by_depth=by_depth("caveats_by_depth"),
        suggestions=tuple(table.get("suggestions", ())),
        suggestions_by_depth=by_depth("suggestions_by_depth"),
        recommended=table.get("recommended", True),
    )


def _suggestion(key: str, table: Mapping[str, Any]) -> Suggestion:
    system, _, code = table.get("code", "").partition("|")
    return Suggestion(
        id=key,
        label=table["label"],
        text=table["text"],
        code=(system, code) if code else None,
        match_sets=frozenset(table.get("match_sets", ())),
        match_words=tuple(table.get("match_words", ())),
    )


def _topic(key: str, table: Mapping[str, Any]) -> TopicInfo:
    prognosis = tuple(table.get("prognosis", ()))
    return TopicInfo(key, table["title"], tuple(table["depends_on"]), prognosis)


def _examination(key: str, table: Mapping[str, Any]) -> Examination:
    matches = {
        "match_sets": frozenset(table.get("match_sets", ())),
        "match_words": tuple(table.get("match_words", ())),
    }
    return Examination(id=key, **{**table, **matches})


def _match(_: str, table: Mapping[str, Any]) -> Match:
    return Match(
        tuple(table["words"]),
        tuple(table.get("not_words", ())),
        frozenset(table.get("codes", ())),
    )


def _order(table: Mapping[str, Any], suggestions: Mapping[str, Suggestion]) -> OrderMatch:
    """Return what the table says, and what its suggestions say of orders that exist already."""
    known = [suggestions[key] for key in table.get("suggestions", ())]
    return OrderMatch(
        sets=frozenset(table.get("match_sets", ())).union(*(item.match_sets for item in known)),
        words=(*table.get("match_words", ()), *(w for item in known for w in item.match_words)),
        together=tuple(
            tuple(tuple(group) for group in groups) for groups in table.get("together", ())
        ),
        procedures=frozenset(table.get("procedures", ())),
        not_words=tuple(table.get("not_words", ())),
        skin_only=bool(table.get("skin_only", False)),
    )


def _override(entry: Mapping[str, Any], own_system: str) -> OverrideReason:
    if "hl7" in entry:
        return OverrideReason(entry["hl7"], HL7_REASONS, entry["display"])
    return OverrideReason(entry["code"], own_system, entry["display"])


def _check(guideline: Guideline) -> None:
    """Raise where something refers to a statement, suggestion or certainty that is missing."""
    for statement in guideline.statements.values():
        _known(statement.certainty, guideline.certainty, f"statements.{statement.id}.certainty")
    for examination in guideline.examinations.values():
        where = f"examinations.{examination.id}"
        _known(examination.statement, guideline.statements, where)
        _known(examination.suggestion, guideline.suggestions, where)
    for topic in guideline.topics.values():
        for statement_id in topic.prognosis:
            _known(statement_id, guideline.statements, f"topics.{topic.id}.prognosis")
    for ordered in guideline.orders:
        _known(ordered, guideline.topics, f"orders.{ordered}")
    for rule in guideline.rules.values():
        _check_rule(rule, guideline)


def _check_rule(rule: Rule, guideline: Guideline) -> None:
    where = f"rules.{rule.id}"
    if rule.topic != "*":
        _known(rule.topic, guideline.topics, where)
    for table in (rule.by_depth, rule.caveats_by_depth, rule.suggestions_by_depth):
        for depth in table:
            _known(depth, dict.fromkeys(DEPTH_KEYS), where)
    for depth in DEPTH_KEYS:
        for statement in rule.statements_for(depth) + rule.caveats_for(depth):
            _known(statement, guideline.statements, where)
        for suggestion in rule.suggestions_for(depth):
            _known(suggestion, guideline.suggestions, where)
    _known(rule.state, _STATES, f"{where}.state")
    _known(rule.indicator, _INDICATORS, f"{where}.indicator")
    if rule.state != "silent" and not rule.summary:
        raise GuidelineError(f"{where}: a row that is not silent needs a summary.")
    _check_templates(rule, guideline, where)


def _check_templates(rule: Rule, guideline: Guideline, where: str) -> None:
    for template in (rule.when, rule.summary, rule.advice):
        for name in place_holders(template, where):
            if "." in name:
                _check_number(name, guideline, where)


def place_holders(template: str, where: str) -> Iterator[str]:
    """Yield what the braces of a template name. Raises :class:`GuidelineError`."""
    try:
        for _, name, _, _ in Formatter().parse(template):
            if name is not None:
                yield name
    except ValueError as error:
        raise GuidelineError(f"{where}: {error}; a brace that is meant is doubled.") from None


def _check_number(name: str, guideline: Guideline, where: str) -> None:
    try:
        guideline.fill(f"{{{name}}}")
    except (AttributeError, KeyError) as error:
        raise GuidelineError(f"{where}: {{{name}}} names no number of the guideline.") from error


def _known(key: str, table: Mapping[str, object], where: str) -> None:
    if key not in table:
        raise GuidelineError(
            f"{where}: {key!r} is not defined; known are {', '.join(sorted(table))}."
        )
