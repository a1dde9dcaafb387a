"""Run, resume, gates. The only room that takes rows away."""
