"""The custom resources, declared once: the CRDs in crds/ are generated from these Structs."""

GROUP = "legato.dev"
"""The API group; named nowhere else."""
VERSION = "v1beta1"
API_VERSION = f"{GROUP}/{VERSION}"
