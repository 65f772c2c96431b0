# check: dependencies
# at: services/planted.py
# says: DEP001 'absent_from_everywhere'
# says: DEP003 'greenlet'
# says: DEP004 'pytest'
"""Imports that pyproject.toml does not declare for running."""

import absent_from_everywhere
import greenlet
import pytest
