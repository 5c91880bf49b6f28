"""What the service remembers: cards, feedback, tokens seen, and who asked. No patient data.

store = Store("sqlite:///cds-service.sqlite3")   # or postgresql+psycopg://…
store.migrate()
"""

from cds_service.store.database import Store, StoreError
from cds_service.store.rows import AuditRow, FeedbackRow, SentCard

__all__ = ["AuditRow", "FeedbackRow", "SentCard", "Store", "StoreError"]
