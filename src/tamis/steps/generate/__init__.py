"""generate: make rows, or what rows lack, by asking models."""
