"""Steps that find personal data and secrets in rows, or take them away."""
