# check: imports
# at: models/chain.py
# says: models.chain is not allowed to import models.tables
# says: models is not allowed to import sqlmodel
"""A pure module that knows a table."""

import models.tables
import sqlmodel
