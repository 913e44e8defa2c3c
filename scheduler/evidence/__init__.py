"""What a claim rests on, for those who want to check it: the kept copies, and packs of them."""
