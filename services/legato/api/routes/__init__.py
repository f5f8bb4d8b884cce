"""The API's routes: each parses, asks, and answers."""
