"""Calls written down as cases that ``cds-service replay`` plays: requests, answers, what was read.

They hold patient data. What opens a door (tokens, passwords) is taken out before anything is
written.
"""

from cds_service.capture.folder import CaptureError, Folder
from cds_service.capture.redact import without_secrets, without_secrets_in_bytes
from cds_service.capture.request import as_prefetch, offline

__all__ = [
    "CaptureError",
    "Folder",
    "as_prefetch",
    "offline",
    "without_secrets",
    "without_secrets_in_bytes",
]
