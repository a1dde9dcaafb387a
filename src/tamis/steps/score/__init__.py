"""Steps that add a number to each row."""
