"""Steps that say which rows are of one kind."""
