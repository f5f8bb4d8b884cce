"""A real Kubernetes for the tests: its control plane on loopback, fresh and gone in seconds."""
