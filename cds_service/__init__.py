"""CDS Hooks service for cutaneous leiomyosarcoma."""

__version__ = "0.1.0"
