"""Judging: what a judge's reply says, what scores its tokens' probabilities make, and how far a judge can be trusted."""

__all__: list[str] = []
