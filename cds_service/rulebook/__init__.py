"""The guideline as a document: for clinicians as pages and prints, for machines as FHIR.

``book.Book`` brings guideline, value sets and proofs together; ``sections`` and ``pages`` say
what is shown, ``html`` and ``markdown`` how it looks, and ``fhir`` what travels.
"""

from cds_service.rulebook.book import Book, load

__all__ = ["Book", "load"]
