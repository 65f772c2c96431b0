# check: imports
# at: models/planted.py
# says: models.planted
"""A module that no layer names."""
