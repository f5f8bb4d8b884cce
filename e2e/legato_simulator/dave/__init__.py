"""Discord's end-to-end encryption of voice, DAVE 1: the voice server's part, and a group member.

https://github.com/discord/dave-protocol (protocol.md) on top of MLS, RFC 9420. `encoding`, `mls`,
`group`, `messages` and `call` are the server's and pure; `member` is a client, through davey.
"""
