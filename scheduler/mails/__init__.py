"""What a mail shows and how it is composed. Pure: no database, no clock, no network."""
