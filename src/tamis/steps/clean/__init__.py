"""Rewrite text."""
