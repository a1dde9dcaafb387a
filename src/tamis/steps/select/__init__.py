"""Choose among rows."""
