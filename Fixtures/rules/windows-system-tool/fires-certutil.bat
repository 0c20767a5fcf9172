certutil -urlcache -f https://example.invalid/x x
