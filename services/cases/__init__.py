"""Use cases of a case: file, act, commit, read. The SQL of history lines is in `rows`."""
