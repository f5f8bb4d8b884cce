"""discord.py, imported without the warning its sound part causes on Python 3.11 and 3.12."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord as discordpy
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

__all__ = ["DiscordWebSocket", "Route", "discordpy"]
