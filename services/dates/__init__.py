"""Move a milestone of a season, and enter working days; the cases concerned are notified."""
