"""The rule book as pages, to which cards link, and as FHIR resources."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from flask import Blueprint, Response, request

from cds_service.errors import NotFound
from cds_service.rulebook import Book, document, fhir, html, pages
from cds_service.rulebook.blocks import Para, Section, para
from cds_service.web.messages import json_response

_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_FHIR = "application/fhir+json; charset=utf-8"
_STYLE = "guideline/style.css"
_VERSION = re.compile(r"[0-9A-Za-z.+_-]{1,64}")


def blueprint(book: Book) -> Blueprint:
    """Return the pages of ``book``: public, without any patient's data."""
    routes = Blueprint("guideline", __name__, url_prefix="/guideline")
    # At the first request: a start that serves no page need not wait for them.
    known = functools.cache(lambda: pages.build(book))
    whole = functools.cache(lambda: document.whole(book))

    @routes.get("/")
    @routes.get("/<path:path>")
    def show(path: str = "") -> Response:
        section = known().pages.get(path.rstrip("/"))
        if section is None:
            raise NotFound(
                "The guideline has no such page. GET /guideline/ shows its contents.",
                where="http.path",
            )
        if not path:
            section = replace(section, blocks=(*_other_version(book), *section.blocks))
        return page(book, section, known().addresses)

    @routes.get("/document")
    def in_one() -> Response:
        return page(book, whole(), {}, contents=True)

    @routes.get("/style.css")
    def style() -> Response:
        return _public(Response(html.style(), mimetype="text/css"))

    return routes


def resources(book: Book) -> Blueprint:
    """Return the FHIR resources of ``book``, to be read by type and id."""
    routes = Blueprint("fhir", __name__, url_prefix="/fhir")
    known = functools.cache(lambda: fhir.resources(book))

    @routes.get("/<kind>/<key>")
    def read(kind: str, key: str) -> Response:
        resource = known().get((kind, key))
        if resource is None:
            raise NotFound(
                "There is no such resource. GET /guideline/fhir lists them.", where="http.path"
            )
        response = json_response(resource)
        response.content_type = _FHIR
        return _public(response)

    return routes


def _other_version(book: Book) -> Iterator[Para]:
    """Yield a notice where the card that led here was made with other data than these."""
    for name, what, own in (
        ("version", "guideline data", book.guideline.version),
        ("valuesets", "value sets", book.terms.version),
    ):
        asked = request.args.get(name, own)
        if asked != own and _VERSION.fullmatch(asked):
            yield para(f"The card was made with the {what} {asked}; these pages show {own}.")


def page(
    book: Book, section: Section, addresses: Mapping[str, str], *, contents: bool = False
) -> Response:
    """Return a section as a page; ``addresses`` tells where the sections that it links stand.

    With ``contents`` it holds every section itself, and a table of contents.
    Links are relative: behind a proxy, the service does not know at which path it stands.
    """
    root = "../" * (request.path.count("/") - 1)

    def address(to: str) -> str:
        if contents and not to.startswith("/"):
            return f"#{to}"
        return root + (to[1:] if to.startswith("/") else addresses[to])

    title = book.guideline.meta["title"]
    text = html.page(
        section,
        title=title,
        home=(title, f"{root}guideline/"),
        about=f"{root}about",
        footer=document.footer(book),
        address=address,
        stylesheet=root + _STYLE,
        contents=contents,
    )
    return _public(Response(text, mimetype="text/html"))


def _public(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
