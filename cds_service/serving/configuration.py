"""What a server runs on, read anew and checked aside before it takes the place of another."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cds_service import settings as settings_module
from cds_service.app import READINESS, create_app
from cds_service.guideline import Guideline, GuidelineError
from cds_service.guideline import load as load_shipped
from cds_service.guideline import read as read_guideline
from cds_service.rulebook import document, fhir, pages
from cds_service.rulebook import load as load_book
from cds_service.settings import Settings, SettingsError
from cds_service.store import Store, StoreError

#: What makes a configuration unusable; the message of each says what is wrong and where.
ERRORS = (SettingsError, GuidelineError, StoreError)
#: Settings that decide who is let in: nobody should change them by the way.
_FIXED = ("auth", "dev")
#: Settings that the start alone takes.
_LASTING = (
    "database_url",
    "feedback_text_days",
    "audit_days",
    "capture",
    "capture_most",
    "capture_force",
    "log_level",
)
_SAME_VERSION = (
    "{path} says something else than the package's guideline and has its version {version}: give "
    "it a version of its own in [meta], so that cards and records tell the two apart"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The settings, clients included, and the guideline of one server."""

    settings: Settings
    guideline: Guideline
    #: For the operator.
    warnings: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise one of :data:`ERRORS` where this cannot be served; nothing is connected."""
        app = create_app(self.settings, guideline=self.guideline, store=Store())
        # This also loads what the workers share with the process that starts them.
        problem = app.extensions[READINESS].problem("models")
        if problem:
            raise GuidelineError(f"A made-up call cannot be answered by this guideline: {problem}")
        # What the application makes at the first request for it.
        book = load_book(self.guideline)
        try:
            pages.build(book)
            document.whole(book)
            fhir.resources(book)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise GuidelineError(
                f"The pages of the guideline cannot be made: {type(error).__name__}: {error}"
            ) from None

    def migrate(self) -> None:
        """Make the tables. Raises :class:`StoreError`."""
        store = Store(
            self.settings.database_url,
            text_days=self.settings.feedback_text_days,
            audit_days=self.settings.audit_days,
        )
        store.migrate()
        # A connection must not be inherited by the workers.
        store.engine.dispose()

    def after(self, before: "Configuration") -> "Configuration":
        """Return this as it can take the place of ``before``, which is running.

        Raises :class:`SettingsError` where that takes a start.
        """
        for name in _FIXED:
            if getattr(self.settings, name) != getattr(before.settings, name):
                raise SettingsError(f"{name} has changed: that takes a restart")
        kept: dict[str, Any] = {name: getattr(before.settings, name) for name in _LASTING}
        changed = [name for name in _LASTING if getattr(self.settings, name) != kept[name]]
        warnings = (
            *(f"{name} has changed, and waits for the next start" for name in changed),
            *(each for each in self.settings.cautions if each not in before.settings.cautions),
        )
        return replace(
            self,
            settings=replace(self.settings, **kept),
            warnings=(*self.warnings, *warnings),
        )

    def __str__(self) -> str:
        """Name what matters, for the log."""
        named = (
            f"{client.name} (in shadow mode)" if client.shadow else client.name
            for client in self.settings.clients
        )
        clients = ", ".join(named) or "none"
        path = self.settings.guideline
        where = f" of {path}" if path else ""
        return f"guideline {self.guideline.version}{where}; clients: {clients}"


class Source:
    """Where the configuration comes from: the environment, and the files that it names."""

    def __init__(self, prepare: Callable[[Settings], Settings] = lambda settings: settings) -> None:
        """Take what the command makes of the settings; it may raise :class:`SettingsError`."""
        self._prepare = prepare

    def read(self) -> Configuration:
        """Return the configuration as it is now. Raises one of :data:`ERRORS`."""
        settings, _ = settings_module.load()
        settings = self._prepare(settings)
        guideline = read_guideline(settings.guideline)
        shipped = load_shipped()
        warnings: tuple[str, ...] = ()
        if guideline.version == shipped.version and guideline != shipped:
            warnings = (_SAME_VERSION.format(path=settings.guideline, version=shipped.version),)
        return Configuration(settings=settings, guideline=guideline, warnings=warnings)

    def seen(self) -> Configuration | str:
        """Return the configuration, or why it cannot be read: equal while nothing changes."""
        try:
            return self.read()
        except ERRORS as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - nothing in a file may end a running service
            return f"unexpected {type(error).__name__}"
