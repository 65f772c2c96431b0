# check: imports
# contract: workers
# at: workers/folder/planted.py
# says: workers.folder.planted -> workers.stack.up
# says: workers.folder.planted -> workers.logs.setup
"""The state folder, which knows the supervisor and the logs."""

import workers.logs.setup
import workers.stack.up
