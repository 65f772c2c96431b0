"""Write the pages of docs/ that are generated; tests fail when one of them is stale."""

from pathlib import Path

from models.cases.drawing import lifecycle_page
from scripts import house_page
from scripts.events_page import pages

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """Write every generated page, and the generated part of the architecture."""
    (DOCS / "lifecycle.md").write_text(lifecycle_page(), encoding="utf-8")
    (DOCS / "schemas").mkdir(exist_ok=True)
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
    architecture = DOCS / "architecture.md"
    rooms = house_page.block(house_page.read_house())
    page = house_page.rewritten(architecture.read_text(encoding="utf-8"), rooms)
    architecture.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
