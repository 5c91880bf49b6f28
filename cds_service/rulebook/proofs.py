"""Which worked cases prove which rule.

``proofs.json`` is made by ``tools/prove_rules.py`` from the fixtures, so that an installation
without them can still name them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Proofs:
    """The worked cases, and the rules that decide in each."""

    #: Case name → what it shows, in a sentence.
    why: Mapping[str, str]
    #: Rule id → names of the cases in which it decides.
    cases: Mapping[str, tuple[str, ...]]

    def of(self, rule: str) -> tuple[str, ...]:
        """Return the names of the cases in which a rule decides."""
        return self.cases.get(rule, ())


def loads(text: str) -> Proofs:
    """Return the proofs that a JSON text holds: case name → why, and rules that decide."""
    table = json.loads(text)
    cases: dict[str, tuple[str, ...]] = {}
    for name, entry in table.items():
        for rule in entry["rules"]:
            cases[rule] = (*cases.get(rule, ()), name)
    return Proofs({name: entry["why"] for name, entry in table.items()}, cases)


@cache
def load() -> Proofs:
    """Return the proofs that the package ships."""
    return loads(resources.files(__package__).joinpath("proofs.json").read_text("utf-8"))
