"""Steps that annotate: labels, extracted values, answers, asked of a model by a prompt people have tried."""

__all__: list[str] = []
