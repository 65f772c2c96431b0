# check: imports
# contract: layers
# at: models/cases/planted.py
# says: models.cases.planted -> workflows.names
# says: models.cases.planted -> cli.frame.words
"""A pure module that reaches up."""

import cli.frame.words
import workflows.names
