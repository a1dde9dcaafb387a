"""What the APIs look like: pure functions from asks to request bodies, and from parsed replies to what was said."""
