# check: imports
# contract: activities
# at: activities/reconcile.py
# says: activities.reconcile -> activities.cases
"""An activity that knows its neighbour."""

import activities.cases
