# check: imports
# contract: pure
# at: models/chain.py
# says: models.chain -> time
# says: models.chain -> temporalio
# says: models.chain -> structlog
# says: models.chain -> uuid
"""A pure module that knows the clock, the engine and the log."""

import time
import uuid

import structlog
import temporalio.workflow
