"""Moving the dates of a season; entering working days."""
