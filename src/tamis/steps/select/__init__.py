"""Choosing among rows: by plan, by group, by score, for variety."""
