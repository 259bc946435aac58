"""People and teams: registration, log-in, tokens, teams, what organisers decide. No web framework in here."""
