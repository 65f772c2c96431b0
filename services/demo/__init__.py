"""Sample cases, and one case from draft to published."""
