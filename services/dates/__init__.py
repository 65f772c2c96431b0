"""Move a milestone of a season, and enter working days; each tells the cases it touches."""
