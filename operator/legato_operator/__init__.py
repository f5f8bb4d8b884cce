"""The operator that runs Legato on Kubernetes."""
