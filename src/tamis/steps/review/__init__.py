"""Points where a run waits for people."""
