"""The review app's server: reads runs, appends decisions. Never runs anything."""
