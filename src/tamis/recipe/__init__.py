"""What to do, declared: load, validate, schema, plan. Never runs."""
