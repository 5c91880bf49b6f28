"""What the service remembers: cards sent, feedback on them, and tokens seen. No patient data.

store = Store("sqlite:///cds-service.sqlite3")   # or postgresql+psycopg://…
store.migrate()
"""

from cds_service.store.database import Store, StoreError
from cds_service.store.rows import FeedbackRow, SentCard

__all__ = ["FeedbackRow", "SentCard", "Store", "StoreError"]
