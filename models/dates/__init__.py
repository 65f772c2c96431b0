"""Time: working days, the milestones and the pace of a season."""
