"""What runs in the media processes: opening, decoding, encoding; knows no player, no voice."""
