"""Names that histories and servers keep for months: changing one breaks what is running."""

from typing import Final

SEARCH_ATTRIBUTES: Final[dict[str, str]] = {
    "CaseState": "Keyword",
    "CaseSeq": "Int",
    "Season": "Keyword",
    "Category": "Keyword",
    "Body": "Keyword",
    "Deadline": "Datetime",
    "Overdue": "Bool",
    "ReturnRounds": "Int",
}
"""What operations filter by: name and type, as the server is told at its start."""
