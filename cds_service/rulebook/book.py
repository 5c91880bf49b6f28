"""Everything that the rule book tells, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cds_service import terminology
from cds_service.guideline import Examination, Guideline, Rule, Suggestion
from cds_service.guideline import load as load_guideline
from cds_service.rulebook import proofs
from cds_service.rulebook.proofs import Proofs
from cds_service.terminology import Terminology


@dataclass(frozen=True)
class Book:
    """A guideline with its value sets and the cases that prove its rules."""

    guideline: Guideline
    terms: Terminology
    proofs: Proofs

    def rules_of(self, topic: str) -> tuple[Rule, ...]:
        """Return the rules of a topic, in the order in which they are tried."""
        return tuple(rule for rule in self.guideline.rules.values() if rule.topic == topic)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics in the order of the guideline data, "*" (rules of every topic) first."""
        return tuple(dict.fromkeys(rule.topic for rule in self.guideline.rules.values()))

    def words(self, template: str) -> str:
        """Return a rule's wording with its numbers, and what a chart fills in named instead."""
        return self.guideline.fill(template, **self._placeholders)

    def number(self, name: str) -> str:
        """Return what a number is, with its unit."""
        return self.guideline.words["number"].get(name, name.replace("_", " "))

    @cached_property
    def rules_by_statement(self) -> Mapping[str, tuple[str, ...]]:
        """Statement id → ids of the rules that show it or its caveat."""
        found: dict[str, list[str]] = {}
        for rule in self.guideline.rules.values():
            for statement in statements_of(rule):
                found.setdefault(statement, []).append(rule.id)
        return {key: tuple(rules) for key, rules in found.items()}

    @cached_property
    def sets_used_by(self) -> Mapping[str, tuple[str, ...]]:
        """Value set → suggestions and examinations that recognise a record by it."""
        found: dict[str, list[str]] = {}
        items: tuple[Suggestion | Examination, ...] = (
            *self.guideline.suggestions.values(),
            *self.guideline.examinations.values(),
        )
        for item in items:
            for slug in item.match_sets:
                found.setdefault(slug, []).append(item.id)
        return {key: tuple(ids) for key, ids in found.items()}

    @cached_property
    def _placeholders(self) -> dict[str, object]:
        return dict(self.guideline.words["placeholder"])


def statements_of(rule: Rule) -> tuple[str, ...]:
    """Return the ids of every statement that a rule shows, at whatever depth, once."""
    groups = (rule.statements, *rule.by_depth.values(), rule.caveats)
    caveats = rule.caveats_by_depth.values()
    return tuple(dict.fromkeys(key for ids in (*groups, *caveats) for key in ids))


def load(guideline: Guideline | None = None) -> Book:
    """Return the book of a guideline, by default of the one that the package ships."""
    return Book(guideline or load_guideline(), terminology.load(), proofs.load())
