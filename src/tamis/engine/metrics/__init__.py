"""How columns go together with an outcome, and how a selection differs from a reference; pure functions over columns."""

__all__: list[str] = []
