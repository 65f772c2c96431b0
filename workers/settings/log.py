"""Settings of the log files of a stack."""

from pydantic import NonNegativeInt, PositiveInt

from workers.settings.section import SettingsSection


class LogSettings(SettingsSection):
    """How large log files grow.

    Attributes:
        max_mib: MiB after which a file is set aside and a new one begun.
        kept: How many older files of each process are kept.
    """

    max_mib: PositiveInt = 10
    kept: NonNegativeInt = 5
