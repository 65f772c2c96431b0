# check: imports
# at: models/chain.py
# says: models is not allowed to import workflows
"""A pure module that reaches up."""

import workflows.names
