"""What a suite says, as sentences made from its statistics: no more than the data bear."""
