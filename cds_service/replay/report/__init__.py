"""A run as a report: for a terminal, for programs, for a build server, for a browser."""

from cds_service.replay.report.model import Report

__all__ = ["Report"]
