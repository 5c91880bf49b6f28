"""The hooks: one module each. A module with a ``SERVICE`` is a service of the discovery."""

import importlib
import pkgutil

from cds_service.hooks.base import HookService


def services() -> tuple[HookService, ...]:
    """Return the services of all hook modules, sorted by id."""
    modules = (
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    )
    found = (getattr(module, "SERVICE", None) for module in modules)
    return tuple(sorted((item for item in found if item), key=lambda service: service.id))
