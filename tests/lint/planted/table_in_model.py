# check: imports
# contract: pure
# at: models/dates/planted.py
# says: models.dates.planted -> sqlmodel
"""A pure module that knows SQL."""

import sqlmodel
