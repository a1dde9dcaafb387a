"""Drop rows that are not worth training on."""
