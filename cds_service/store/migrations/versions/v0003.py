"""Cards that were withheld from clients in shadow mode."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the mark; every card of before was sent."""
    withheld: sa.Column[bool] = sa.Column(
        "shadow", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("card_sent", withheld)


def downgrade() -> None:
    """Drop the mark, and with it the cards that were not sent."""
    op.execute(sa.text("DELETE FROM card_sent WHERE shadow"))
    op.drop_column("card_sent", "shadow")
