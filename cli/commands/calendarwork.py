"""What `tuixuan calendar set` does."""

from pathlib import Path

from cli.connections.services import Connections, connected
from cli.frame.output import say, show
from services.dates.working_days import Arrangement, enter_year


def enter(year: int, file: Path) -> None:
    """Enter a year's arrangement, and let every open case plan again."""
    arrangement = Arrangement.from_toml(file.read_text(encoding="utf-8-sig"))

    async def run(here: Connections) -> int:
        return await enter_year(here.engine, here.service, year, arrangement)

    cases = connected(run)
    show({"year": year, "cases": cases})
    say(f"{year} 年的工作日安排已录入，{cases} 件案例已重排提醒。")
