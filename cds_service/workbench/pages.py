"""The routes of the workbench: the page, and feedback on the cards that it shows."""

import datetime as dt
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service import hooks, timeline
from cds_service.engine import DEFAULT_URL, Engine
from cds_service.errors import NotFound
from cds_service.protocol import dialect
from cds_service.replay.cases import CaseError
from cds_service.rulebook.rules import STATES
from cds_service.settings import Settings
from cds_service.web.messages import Limits
from cds_service.workbench import feedback, guard, markdown, sources
from cds_service.workbench.asking import Desk, Options
from cds_service.workbench.library import Library
from cds_service.workbench.shown import Shown
from cds_service.workbench.sources import Given, InputError

#: What a form has besides the chart.
_FORM = 100_000
_OK, _BAD = 200, 400


def blueprint(engine: Engine, settings: Settings) -> Blueprint:
    """Return the page on which ``engine`` is asked."""
    routes = Blueprint(
        "workbench",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/workbench/static",
    )
    bench = _Bench(engine, settings)
    hosts = guard.hosts_of(settings.public_url)
    routes.add_app_template_filter(markdown.rendered, "card_markdown")
    routes.add_app_template_test(markdown.is_link, "web_link")

    @routes.before_request
    def check() -> None:
        guard.check(request, hosts=hosts)
        request.max_content_length = request.max_form_memory_size = settings.max_body + _FORM

    @routes.after_request
    def protect(response: Response) -> Response:
        return guard.protect(response)

    @routes.get("/")
    def show() -> tuple[str, int]:
        return bench.case(request.args) if request.args.get("case") else bench.page("case", {})

    @routes.post("/")
    def ask() -> tuple[str, int]:
        return bench.posted()

    @routes.post("/workbench/feedback")
    def give_feedback() -> tuple[str, int]:
        service = request.form.get("service", "")
        if service not in {item.id for item in hooks.services()}:
            raise NotFound("There is no service with this id.", where="service")
        sent = feedback.send(current_app, service, request.form)
        return render_template("workbench/feedback.html", sent=sent, root="../"), _OK

    @routes.get("/workbench/timeline.css")
    def picture_style() -> Response:
        return Response(timeline.style(), mimetype="text/css")

    return routes


class _Bench:
    """Reads the forms, and fills the page."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._limits = Limits(depth=settings.max_depth, entries=settings.max_entries)
        self._library = Library()
        self._desk = Desk(engine, settings)

    def case(self, args: MultiDict[str, str]) -> tuple[str, int]:
        """Return the page of a worked case."""
        name = args["case"]
        return self._tried(
            "case", {"case": name}, args, lambda: Given(case=self._library.case(name))
        )

    def posted(self) -> tuple[str, int]:
        """Return the page of what was pasted, or read from a FHIR server."""
        try:
            form = request.form
        except RequestEntityTooLarge:
            most = self._settings.max_body
            problem = InputError(
                f"This is larger than the service reads: {most} bytes (CDS_MAX_BODY)."
            )
            return self.page("paste", {}, problem=problem)
        if form.get("source") == "server":
            values = {name: form.get(name, "").strip() for name in ("server", "patient")}
            return self._tried("server", values, form, lambda: self._read(form, **values))
        raw = _uploaded() or form.get("text", "").encode()
        text = {"text": raw.decode(errors="replace")}
        return self._tried("paste", text, form, lambda: self._pasted(raw))

    def _pasted(self, raw: bytes) -> Given:
        return sources.pasted(raw, limits=self._limits, most=self._settings.max_body)

    def _read(self, form: MultiDict[str, str], *, server: str, patient: str) -> Given:
        return sources.read(
            self._engine.servers,
            self._settings,
            base=server,
            patient=patient,
            token=form.get("token", "").strip() or None,
        )

    def _tried(
        self,
        source: str,
        values: Mapping[str, str],
        form: MultiDict[str, str],
        given: Callable[[], Given],
    ) -> tuple[str, int]:
        """Return the page with the answer, or with the reason why nothing could be asked."""
        options = Options()
        try:
            options = _options(form)
            asked = self._desk.ask(given(), options)
        except (InputError, CaseError) as problem:
            return self.page(source, values, options=options, problem=problem)
        base = self._settings.public_url or DEFAULT_URL
        shown = Shown(asked, options, self._engine.guideline, base=base)
        return self.page(source, values, options=options, shown=shown)

    def page(
        self,
        source: str,
        values: Mapping[str, str],
        *,
        shown: Shown | None = None,
        options: Options | None = None,
        problem: InputError | CaseError | None = None,
    ) -> tuple[str, int]:
        """Return the page with the form of ``source`` filled, and with what there is to show."""
        text = render_template(
            "workbench/page.html",
            root="./",
            source=source,
            values=values,
            shown=shown,
            options=shown.chosen if shown else options or Options(),
            problem=problem,
            groups=self._library.groups,
            services=hooks.services(),
            profiles={name: dialect.load(name).description for name in dialect.shipped()},
            states=STATES,
            settings=self._settings,
        )
        return text, _BAD if problem else shown.status if shown else _OK


def _uploaded() -> bytes:
    """Return the content of the file that was chosen; nothing where none was."""
    file = request.files.get("file")
    return file.read() if file else b""


def _options(form: MultiDict[str, str]) -> Options:
    profile = form.get("profile") or "default"
    if profile not in dialect.shipped():
        known = ", ".join(dialect.shipped())
        raise InputError(f"There is no such client profile; there are {known}.")
    return Options(
        hook=form.get("hook", ""),
        today=_date(form.get("date", "")),
        profile=profile,
        about=tuple(form.getlist("about")),
        reads=bool(form.get("reads")),
    )


def _date(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError("The date must be a day such as 2026-12-01.") from None
