"""Merge rows that say the same."""
