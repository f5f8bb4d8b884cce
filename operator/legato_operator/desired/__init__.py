"""The objects that a resource asks for, as plain documents. Pure."""
