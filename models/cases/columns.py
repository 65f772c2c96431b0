"""A row of a case, by column name: what SQL gives, and what pure code looks at."""

from collections.abc import Mapping
from typing import Any

type Columns = Mapping[Any, Any]
"""A row of `case_record`, mostly with its body's and its season's dates."""
