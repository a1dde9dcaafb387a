"""Floor 2: the run folder on disk, and the questions people ask of it."""
