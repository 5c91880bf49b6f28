"""The resource types that the evaluation reads: those that the service's own searches ask for."""

from collections.abc import Mapping
from typing import get_args

from cds_service.chart.version import Version, names_in
from cds_service.hooks.base import PREFETCH

#: The type that each prefetch key asks for.
TYPES: Mapping[str, str] = {
    key: template.partition("?")[0].partition("/")[0] for key, template in PREFETCH.items()
}
#: The prefetch key of each type, older names of a type included.
KEYS: Mapping[str, str] = {
    name: key
    for key, kind in TYPES.items()
    for version in get_args(Version)
    for name in names_in(version, kind)
}
