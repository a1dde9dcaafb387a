"""Tamis: raw data in, a fine-tuning set out that its owner can defend row by row."""

__version__ = "0.1.0"
