# check: imports
# at: models/chain.py
# says: models is not allowed to import time
# says: models is not allowed to import temporalio
# says: models is not allowed to import structlog
# says: models is not allowed to import uuid
"""A pure module that knows the clock, the engine and the log."""

import time
import uuid

import structlog
import temporalio.workflow
