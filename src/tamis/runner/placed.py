"""Steps whose paths are seen from the recipe's folder."""

from __future__ import annotations

from tamis.recipe.placed import placed_step as placed_step
