"""Discord's end-to-end encryption of voice (DAVE 1): the group, its changes, encrypted frames."""
