"""How far campaigns grow: workers, trials, stores."""
