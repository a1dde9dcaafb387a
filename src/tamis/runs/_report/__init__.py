"""How a run's report is made: `gather` collects plain data from the run folder, `page` draws it."""
