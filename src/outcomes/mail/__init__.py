"""How letters arrive: a letter becomes a message, waits in the outbox, and goes to the configured mail server and nowhere else."""
