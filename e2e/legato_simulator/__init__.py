"""A Discord of its own, on the real wire protocols, for tests and for trying bots."""
