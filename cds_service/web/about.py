"""What the service is: the source attributes of the intervention, as a page and as JSON."""

from flask import Blueprint, Response, request

from cds_service.rulebook import Book, about
from cds_service.web.guideline import page
from cds_service.web.messages import json_response


def blueprint(book: Book) -> Blueprint:
    """Return ``/about``, and ``/about.json`` for machines."""
    routes = Blueprint("about", __name__)
    section, body = about.section(book), about.as_json(book)

    @routes.get("/about")
    def show() -> Response:
        best = request.accept_mimetypes.best_match(("text/html", "application/json"))
        response = as_json() if best == "application/json" else page(book, section, {})
        response.vary.add("Accept")
        return response

    @routes.get("/about.json")
    def as_json() -> Response:
        return json_response(body)

    return routes
