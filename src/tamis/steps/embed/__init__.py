"""Steps that turn texts into vectors."""
