# check: imports
# contract: models
# at: models/masking.py
# says: models.masking -> models.tables
# says: models.masking -> models.reading
"""A pure module that knows a table, and another that knows nothing of its neighbour."""

import models.reading
import models.tables
