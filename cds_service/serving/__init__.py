"""The running server: its workers, how it stops, and how it takes a changed configuration over.

The process that was started reads the configuration, checks it, and hands it on by value: a
worker reads no file, and one that takes a dead worker's place has what the others have.
"""

from cds_service.serving.configuration import Configuration, Source
from cds_service.serving.server import Server

__all__ = ["Configuration", "Server", "Source"]
