"""A Discord of its own: gateway, REST and voice on the real wire protocols, for tests and for trying."""
