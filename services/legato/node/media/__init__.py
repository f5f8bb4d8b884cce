"""What runs in the media processes: opening, decoding, filtering and encoding; knows no player and no voice."""
