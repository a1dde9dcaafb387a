"""How well labels, ratings and texts agree: figures with intervals, paired comparisons, and where labels are bad."""

__all__: list[str] = []
