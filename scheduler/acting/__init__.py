"""Acts of readers: by signed link, by a page, by reply."""
