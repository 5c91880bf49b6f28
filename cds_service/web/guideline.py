"""The pages to which cards link: a rule or a statement, with its source and its caveat."""

import re
from collections.abc import Iterable

from flask import Blueprint, Response, make_response, render_template
from markupsafe import Markup, escape

from cds_service.errors import NotFound
from cds_service.guideline import Guideline, Rule, Statement
from cds_service.guideline.model import DEPTH_KEYS

_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_DEPTHS = {"dermal": "Dermal", "subcutaneous": "Subcutaneous", "unclear": "Depth not known"}
#: Prognosis stands on these topics' pages and on no card, each number beside its caveat.
_PROGNOSIS = dict.fromkeys(
    ("diagnosis", "margin"), ("S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19")
)
_STATES = {
    "act": "something to do now",
    "withheld": "cannot be said",
    "inform": "applies, nothing to do now",
    "done": "satisfied by the record",
    "silent": "no card",
}


def blueprint(guideline: Guideline) -> Blueprint:
    """Return the pages of ``guideline``: public, without any patient's data."""
    routes = Blueprint("guideline", __name__, url_prefix="/guideline")
    routes.add_app_template_filter(_bold, "bold")

    @routes.get("/")
    def index() -> Response:
        return _page("index.html", guideline)

    @routes.get("/<item>")
    def show(item: str) -> Response:
        if item in guideline.statements:
            statement = guideline.statements[item]
            rules = [rule for rule in guideline.rules.values() if statement in _all(rule)]
            return _page("statement.html", guideline, statement=statement, rules=rules)
        if item in guideline.rules:
            rule = guideline.rules[item]
            return _page(
                "rule.html",
                guideline,
                rule=rule,
                when=guideline.fill(rule.when),
                state=_STATES.get(rule.state, rule.state),
                groups=_groups(rule),
            )
        raise NotFound("The guideline has no statement or rule with this id.", where="http.path")

    def _all(rule: Rule) -> list[Statement]:
        return _statements(item for depth in DEPTH_KEYS for item in rule.statements_for(depth))

    def _statements(ids: Iterable[str]) -> list[Statement]:
        return [guideline.statements[item] for item in dict.fromkeys(ids)]

    def _groups(rule: Rule) -> list[tuple[str, list[Statement]]]:
        """Return the rule's statements: for every depth, for one depth only, and prognosis."""
        own = ((_DEPTHS[depth], ids) for depth, ids in rule.by_depth.items())
        prognosis = _PROGNOSIS.get(rule.topic, ())
        groups = (("", rule.statements), *own, ("Prognosis", prognosis))
        return [(title, _statements(ids)) for title, ids in groups if ids]

    return routes


def _bold(text: str) -> Markup:
    """Return ``text`` as HTML: of Markdown, the statements use bold alone."""
    return Markup(_BOLD.sub(r"<strong>\1</strong>", str(escape(text))))  # noqa: S704 - escaped


def _page(template: str, guideline: Guideline, **values: object) -> Response:
    response = make_response(render_template(template, guideline=guideline, **values))
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
