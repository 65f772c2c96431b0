"""Working days, the pace of a season, and the agenda of a case."""
