# check: imports
# contract: cli
# at: cli/frame/planted.py
# says: cli.frame.planted -> cli.commands.case
# says: cli.frame.planted -> cli.connections.databases
"""What surrounds every command, and knows one of them."""

import cli.commands.case
import cli.connections.databases
