# check: imports
# contract: workflows-no-record
# at: workflows/visibility.py
# says: workflows.visibility -> models.store.engine
# says: workflows.visibility -> models.tables
# says: workflows.visibility -> nats
# says: workflows.visibility -> sqlmodel
"""A workflow that reaches for the record and the stream."""

import models.store.engine
import models.tables
import nats
import sqlmodel
