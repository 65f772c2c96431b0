"""Settings of the worker of the cases."""

from pydantic import PositiveInt

from workers.settings.section import SettingsSection


class CasesSettings(SettingsSection):
    """How the worker of the cases runs.

    Attributes:
        max_cached_workflows: How many cases it keeps in memory, at about 40 KiB each.
    """

    max_cached_workflows: PositiveInt = 1000
