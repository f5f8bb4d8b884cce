"""The oracle: what a crowd's commands must have led to, whoever was killed meanwhile."""
