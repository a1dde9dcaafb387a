"""Where rows go: one file per kind of target; training formats live here."""
