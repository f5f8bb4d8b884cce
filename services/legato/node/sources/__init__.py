"""Where bytes come from: checked addresses, the HTTP reader, playlists of links."""
