# check: imports
# at: workflows/planted.py
# says: workflows is not allowed to import models.tables
# says: workflows is not allowed to import nats
# says: workflows is not allowed to import sqlmodel
"""A workflow that reaches for the record and the stream."""

import models.tables
import nats
import sqlmodel
