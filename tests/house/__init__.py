"""The house itself: floors, layout, packaging, documentation."""
