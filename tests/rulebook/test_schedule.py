from cds_service.rulebook import Book
from cds_service.rulebook.schedule import Row, rows


def test_dermal(book: Book) -> None:
    """Dermal: 4–6 months for 3 years, to 12 in the lenient reading up to 5, then 12 (S34, S35)."""
    assert list(rows("dermal", book.guideline)) == [
        Row("0 to <36", "4–6", ""),
        Row("36 to <60", "4–6", "12"),
        Row("60 and later", "12", ""),
    ]


def test_subcutaneous(book: Book) -> None:
    """Subcutaneous: 3–4 months for 2 years, to 6 up to 3, 6 up to 5, then 12 (S36–S38)."""
    assert list(rows("subcutaneous", book.guideline)) == [
        Row("0 to <24", "3–4", ""),
        Row("24 to <36", "3–4", "6"),
        Row("36 to <60", "6", ""),
        Row("60 and later", "12", ""),
    ]
