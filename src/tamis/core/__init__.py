"""Floor 0: the row, the outcome, the step classes, fingerprints, events and errors."""
