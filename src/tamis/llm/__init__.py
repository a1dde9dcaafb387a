"""Floor 2: the only room that calls models."""
