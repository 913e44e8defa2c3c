-- What was read again and waits to be judged: whoever comes first to judge it, nobody is mailed of it.
ALTER TABLE versions ADD COLUMN quiet boolean NOT NULL DEFAULT false;
