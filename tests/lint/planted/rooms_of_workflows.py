# check: imports
# contract: workflows
# at: workflows/timers.py
# says: workflows.timers -> workflows.case
"""Timers that know a workflow."""

import workflows.case
