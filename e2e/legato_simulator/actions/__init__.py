"""What a script can do, by subject: make, act as people, break, know."""
