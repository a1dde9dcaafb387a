"""Make messages out of whatever a source holds."""
