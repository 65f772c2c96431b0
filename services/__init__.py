"""Use cases, one room a subject, with the SQL that they need; shared by cli, portal, workers."""
